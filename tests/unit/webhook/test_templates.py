"""What the templates of a webhook make of calls: requests within limits, in order, shown without secrets."""

import json

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncer import errors
from syncer.calls import Identify, Payload
from syncer.destinations import samples
from syncer.models import Events, Mode
from tests.unit.calls import identify
from tests.unit.webhook.tools import built, sent


@given(
    sizes=st.lists(st.integers(0, 400), max_size=30),
    paths=st.integers(1, 3),
    batch=st.integers(1, 7),
)
def test_no_request_breaks_a_limit_and_those_of_a_contact_stay_in_order(
    sizes: list[int], paths: int, batch: int
) -> None:
    changed = {
        "path": "/{{ traits.path }}",
        "body": '{"x": {{ traits.x }}, "id": {{ message_id }}}',
        "envelope": '{"p": [{{ items }}]}',
    }
    calls = [
        identify(n)._replace(contact=f"c{n % 5}", traits={"x": "é" * size, "path": n % paths})
        for n, size in enumerate(sizes)
    ]

    requests, refusals = built({"changed": changed}, batch=batch, max_bytes=1000).requests(calls)

    destination = built({"changed": changed}, batch=batch, max_bytes=1000)
    assert refusals == []
    for request in requests:
        assert len(request.identifies) <= batch
        assert len(destination.body(request)) <= 1000
        assert len({call.traits["path"] for call in request.identifies if isinstance(call, Identify)}) == 1
    told = [call for request in requests for call in request.identifies]
    for n in range(5):
        mine = [call.message_id for call in calls if call.contact == f"c{n}"]
        assert [call.message_id for call in told if call.contact == f"c{n}"] == mine


def test_what_is_larger_than_a_request_is_refused_with_its_size() -> None:
    call = identify(traits={"x": "x" * 1000})

    requests, [refusal] = sent(
        {"changed": {"body": "{{ traits.x }}"}}, call, identify(traits={"x": ""}), max_bytes=1000
    )

    assert len(requests) == 1
    assert refusal.reason == "is 1,002 bytes as a request, and max_bytes is 1,000"


def test_without_a_body_there_is_no_type_of_one() -> None:
    requests, _ = sent({"changed": {"method": "DELETE", "path": "/{{ user_id }}"}}, identify(), identify(), batch=10)

    assert [(each.method, each.content) for each in requests] == [("DELETE", b"")] * 2
    assert "Content-Type" not in requests[0].headers


def test_the_query_of_the_address_goes_along() -> None:
    [request], _ = sent(
        {"changed": {"path": "/a?b={{ user_id }}", "body": "1"}}, identify(), url="https://x.example/?token=7"
    )

    assert str(request.url) == "https://x.example/a?token=7&b=u1"


@pytest.mark.parametrize("per_audience", [True, False])
def test_each_kind_of_call_has_its_template(per_audience: bool) -> None:
    body = '{"op": {{ op }}, "is": {{ [audience | default(0), property | default(0), value | default(0)] }}}'
    ops = ("entered", "left", "changed", "event") if per_audience else ("changed", "event")
    calls = samples.calls_of(Mode(per_audience=per_audience, events=Events()))
    mode = {"calls": "per_audience", "track": True} if per_audience else {"track": True}

    requests, _ = sent(
        {op: {"path": f"/{op}", "body": body} for op in ops}, *(each for op in ops for each in calls[op]), **mode
    )

    told = [(each.url.path.removeprefix("/api/"), *json.loads(each.content).values()) for each in requests]
    combined = [("changed", "changed", [0, 0, 0])] * 2
    apart = [
        ("entered", "entered", ["VIP Buyers", "vip_buyers", True]),
        ("left", "left", ["VIP Buyers", "vip_buyers", False]),
        *(("changed", "changed", [0, "score", value]) for value in (7, 'a "text"', None)),
    ]
    events = [("event", "event", ["VIP Buyers", "vip_buyers", value]) for value in (True, False)]
    assert told == [*(apart if per_audience else combined), *events]


def test_a_request_is_shown_without_secrets() -> None:
    changed = {"path": "/c/{{ user_id }}", "headers": {"X-Id": "{{ message_id }}"}, "body": '{"k": {{ secrets.key }}}'}
    destination = built(
        {"changed": changed},
        url="https://x.example/t0ken-of-the-path",
        headers={"Authorization": "Bearer t0ken"},
        secrets={"key": 'k"3y-of-the-body'},
    )

    [request], _ = destination.requests([identify()])

    assert destination.body(request) == b'{"k": "***"}'
    assert destination.head(request)[0] == "POST https://x.example/…/c/u1"
    assert {"Authorization: ***", "X-Id: ***", "Content-Type: application/json"} <= {*destination.head(request)}


FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize("secret", ["1234", "open sesam", "first\nsecond", "tab\tbed", 'q"\\/é'])
@pytest.mark.parametrize("kind", ["application/json", FORM])
def test_a_secret_is_shown_nowhere_however_it_is_written(secret: str, kind: str) -> None:
    written = "k={{ secrets.k }}" if kind == FORM else '{"k": {{ secrets.k }}, "n": "k{{ secrets.k }}"}'
    changed = {"path": "/c/{{ secrets.k }}?k={{ secrets.k }}", "body": written}
    destination = built({"changed": changed}, secrets={"k": secret}, content_type=kind)

    [request], _ = destination.requests([identify()])

    assert destination.head(request)[0] == "POST https://x.example/…/c/***?k=***"
    assert destination.body(request) == (b"k=***" if kind == FORM else b'{"k": "***", "n": "k***"}')


@pytest.mark.parametrize("more", ["", "{{ '' }}"])
def test_a_token_in_a_header_of_a_template_is_not_repeated(more: str) -> None:
    changed = {"headers": {"Authorization": "Bearer sk-live-12345678" + more}, "body": "1"}
    answers = httpx.MockTransport(lambda _: httpx.Response(400, text="no such token: sk-live-12345678"))
    destination = built({"changed": changed}, answers)
    [request], _ = destination.requests([identify()])

    with pytest.raises(errors.RequestRefusedError, match=r"no such token: \*\*\*$"):
        destination.send(request)


@pytest.mark.parametrize("name", ["user-agent", "USER-AGENT"])
def test_a_header_goes_out_once_in_whichever_case_it_is_written(name: str) -> None:
    [in_template], _ = sent({"changed": {"headers": {name: "mine"}, "body": "1"}}, identify())
    [of_all], _ = sent({"changed": {"body": "1"}}, identify(), headers={name: "mine"})

    assert in_template.headers.get_list("User-Agent") == of_all.headers.get_list("User-Agent") == ["mine"]


def test_halves_of_a_request_go_to_the_same_place() -> None:
    changed = {"path": "/{{ traits.list }}", "body": "{{ user_id }}"}
    destination = built({"changed": changed}, batch=10)
    calls = [identify(n, traits={"list": "a"}) for n in range(4)]

    [request], _ = destination.requests(calls)

    half = Payload(request.identifies[:2], request.encoded[:2], request.envelope)
    assert destination.body(half) == b'["u0","u1"]'
    assert destination.head(half) == destination.head(request)


@pytest.mark.parametrize(("body", "known"), [('"{{ message_id }}"', True), ("{{ event }}", False)])
def test_an_event_without_its_id_is_sent_at_most_once(body: str, known: bool) -> None:
    destination = built({"changed": {"body": "1"}, "event": {"body": body}}, track=True)

    assert destination.recognises_events is known
