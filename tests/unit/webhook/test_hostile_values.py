"""Whatever a value holds: a template alone says where anything ends."""

import hashlib
import json
from urllib.parse import parse_qsl, unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from syncer.calls import Identify
from tests.unit.calls import identify
from tests.unit.webhook.tools import sent

HOSTILE = [
    '"',
    "\\",
    '\\"',
    '", "admin": true, "x": "',
    '"}}',
    "{{ secrets }}{% for x in y %}",
    "a\r\nX-Evil: 1\r\n\r\nGET / HTTP/1.1",
    "".join(map(chr, range(1, 32))) + "\x7f\x85\u2028\u2029",
    "../../admin?x=1#y",
    "%2e%2e%2f%00",
    "</script>\U0001f600\u202e",
    '"\\' * 5000,
    ",",
    "null",
    "[\t\n\t\n\t]",
    "-0e-98765",
]
texts = st.sampled_from(HOSTILE) | st.text(min_size=1)


def about(text: str) -> Identify:
    return identify(user_id=text, email=text, values={"p": text}, traits={"city": text})


@given(text=texts)
def test_whatever_a_value_holds_the_body_is_json_that_holds_it(text: str) -> None:
    body = """[{{ email }}, "a {{ email }} b{{ user_id }}", {{ traits }},
        {"k{{ user_id }}": {{ properties.p }}}
        {% for name, value in traits.items() %}, {{ name ~ value }}{% endfor %}]"""

    [request], refusals = sent({"changed": {"body": body}}, about(text))

    wanted = [text, f"a {text} b{text}", {"city": text}, {f"k{text}": text}, f"city{text}"]
    assert (json.loads(request.content), refusals) == (wanted, [])


@given(text=texts)
def test_in_a_batch_and_its_envelope_too(text: str) -> None:
    changed = {"body": "{{ email }}", "envelope": '{"of": {{ user_id }}, "n {{ user_id }}": [{{ items }}]}'}

    requests, refusals = sent({"changed": changed}, about(text), about(text), batch=2)

    assert [json.loads(each.content) for each in requests] == [{"of": text, f"n {text}": [[text, text]]}]
    assert refusals == []


@given(text=texts)
@example(text=".")
@example(text="..")
def test_a_path_is_the_path_that_the_template_has(text: str) -> None:
    changed = {"method": "PUT", "path": "/lists/7/members/{{ user_id }}/x?q={{ email }}&z"}

    requests, refusals = sent({"changed": changed}, about(text))

    if text in (".", "..") or len(text) > 1000:
        assert requests == []
        assert refusals[0].reason.startswith("templates.changed.path: ")
        return
    [path, query] = requests[0].url.raw_path.decode().split("?")
    assert [unquote(step, errors="strict") for step in path.split("/")] == [
        "",
        "api",
        "lists",
        "7",
        "members",
        text,
        "x",
    ]
    assert query.startswith("q=")
    assert query.endswith("&z")
    assert unquote(query[2:-2]) == text
    assert requests[0].url.host == "x.example"


@given(text=texts)
def test_a_header_is_one_line_or_its_contact_is_refused(text: str) -> None:
    requests, [*refusals] = sent({"changed": {"headers": {"X-Who": "{{ email }}"}, "body": "1"}}, about(text))

    fits = text.isascii() and text.isprintable() and text == text.strip()
    assert len(requests) == fits
    for request in requests:
        assert request.headers["X-Who"] == text
    for refusal in refusals:
        assert refusal.reason.startswith("templates.changed.headers: ")
        assert len(text) < 4 or text not in refusal.reason


@given(text=texts)
def test_a_form_holds_it(text: str) -> None:
    kind = "application/x-www-form-urlencoded"

    [request], _ = sent({"changed": {"body": "a={{ email }}&b={{ user_id }}"}}, about(text), content_type=kind)

    assert parse_qsl(request.content.decode(), keep_blank_values=True, max_num_fields=2) == [("a", text), ("b", text)]
    assert request.headers["Content-Type"] == kind


def test_every_kind_of_value_is_written_as_json_does_it() -> None:
    values = {"yes": True, "no": False, "n": 7, "x": 0.1, "none": None, "t": "text"}

    [request], _ = sent({"changed": {"body": "{{ properties }}"}}, identify(values=values))

    assert json.loads(request.content) == values


def test_what_goes_along_has_the_form_that_the_destination_wants() -> None:
    changed = {"body": '{"e": {{ email }}, "c": {{ contact }}, "t": {{ traits }}}'}
    call = identify(email="Ada@x.io", contact="ada@x.io", traits={"phone": "1", "firm": "F"})

    [request], _ = sent({"changed": changed}, call, hash={"email": "md5"}, rename={"phone": "ph"}, drop=["firm"])

    hashed = hashlib.md5(b"ada@x.io", usedforsecurity=False).hexdigest()
    assert json.loads(request.content) == {"e": hashed, "c": hashed, "t": {"ph": "1"}}


@pytest.mark.parametrize("identity", ["email", "user_id"])
def test_a_contact_is_hashed_as_what_it_is_even_if_address_and_id_are_alike(identity: str) -> None:
    field = "user_id" if identity == "user_id" else "email"
    changed = {"body": f"[{{{{ contact }}}}, {{{{ {field} }}}}]"}
    call = identify(email="Ada@x.io", user_id="ada@x.io", contact="ada@x.io")

    [request], _ = sent({"changed": changed}, call, hash={field: "sha256"}, identity=identity)

    assert json.loads(request.content) == [hashlib.sha256(b"ada@x.io").hexdigest()] * 2


def test_one_contact_that_cannot_be_written_is_refused_and_no_other() -> None:
    changed = {"body": '{\n"city": {{ traits.city }},\n"day": {{ properties.score + 1 }}}'}
    calls = [identify(n, {"score": n}, traits={"city": "Köln"}) for n in range(1, 4)]
    calls[0] = calls[0]._replace(traits={})
    calls[2] = calls[2]._replace(values={"score": "secret@x.io"})

    requests, refusals = sent({"changed": changed}, *calls)

    assert len(requests) == 1
    assert [(each.identify, each.http_status) for each in refusals] == [(calls[0], None), (calls[2], None)]
    assert refusals[0].reason.startswith("templates.changed.body: line 2: 'city' is not there")
    assert refusals[1].reason.startswith("templates.changed.body: line 3: ")
    assert "secret" not in refusals[1].reason


def test_a_path_without_its_step_would_be_another_one() -> None:
    """`DELETE /members/` might be everybody."""
    changed = {"method": "DELETE", "path": "/members/{{ traits.city }}?of={{ traits.city }}"}

    requests, [refusal] = sent({"changed": changed}, about("x")._replace(traits={"city": ""}))
    asked, none = sent({"changed": {"path": "/?of={{ traits.city }}"}}, about("x")._replace(traits={"city": ""}))

    assert (requests, none) == ([], [])
    assert "has an empty value in it" in refusal.reason
    assert asked[0].url.query == b"of="


def test_a_name_that_a_value_made_up_is_not_told() -> None:
    requests, [refusal] = sent({"changed": {"body": "{{ traits[email] }}"}}, about("x")._replace(email="ada@x.io"))

    assert requests == []
    assert "what it asks for is not there" in refusal.reason
    assert "ada" not in refusal.reason


@pytest.mark.parametrize("body", ['{"a": 1, "{{ email }}": 2}', '[{"x": { {{ email }}: {{ email }}, "a": 2}}]'])
def test_a_value_takes_no_key_that_is_there_already(body: str) -> None:
    requests, [refusal] = sent({"changed": {"body": body}}, about("a"), about("b"))

    assert len(requests) == 1
    assert refusal.reason.startswith("templates.changed.body: has a key that is made of a value")
