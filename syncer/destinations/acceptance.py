"""Which answers of a webhook accept its calls, and whom an answer refuses: `accept`.

    accept = "no_html"                            all but a web page
    accept = "json"                               only JSON; "any": all
    accept = { ok = true }                        JSON that has at least this in it
    accept = { status = ["200-204"], pointer = "/result/ok", equals = true, errors = "/errors", index = "/index" }

The last is a rule (`AcceptRule`). Where there is none, the entries of `errors` in the answer name who was refused, by
`messageId`. Of a call by itself that need not be said; else whoever is not named, or not one of ours, may be any of
them, and the request is refused.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError

from syncer import errors
from syncer.calls import Call, Payload
from syncer.destinations.bodies import NotJSONError, one_line, read_json, words
from syncer.destinations.encoding import encode
from syncer.destinations.http import Answer, HttpSender
from syncer.destinations.pointers import MISSING, Pointer, at_pointer
from syncer.destinations.shaping import Shape
from syncer.fields import Table
from syncer.spelling import suggest

_RANGE = re.compile(r"([0-9]{1,3})(?:-([0-9]{1,3}))?")
_NEVER = frozenset([*range(300, 400), 401, 402, 403, 407, 408, 421, 425, 429, 460])
"""Statuses that are about the account, the way there, or the moment."""


def _statuses(value: object) -> frozenset[int]:
    """Numbers and ranges of them: `[200, "202-204"]`."""
    if not isinstance(value, list) or not value:
        raise ValueError('must be a list of numbers and ranges, such as [200, "202-204"]')
    return frozenset(status for each in value for status in _range(each))


def _range(each: object) -> range:
    told = _RANGE.fullmatch(str(each))
    if told is None:
        raise ValueError('must be a list of numbers and ranges, such as [200, "202-204"]')
    found = range(int(told[1]), int(told[2] or told[1]) + 1)
    if not found or found[0] < 200 or found[-1] > 499 or not _NEVER.isdisjoint(found):
        raise ValueError(
            "must hold statuses of 200 to 299, or such as say that it is so already (404, 409, 410, 422): others accept"
            " nothing"
        )
    return found


Statuses = Annotated[frozenset[int], BeforeValidator(_statuses, json_schema_input_type=list[int | str])]


class AcceptRule(Table):
    """`accept`, as a rule: a status, what stands at a place of the JSON, and where it says who was refused.

    `id` points into an entry of `errors` at what it names an item by, which is ours `by`; `index` at the item's place
    in the request, from 0.
    """

    status: Statuses | None = Field(default=None, description="Which statuses accept: numbers and ranges.")
    pointer: Pointer | None = Field(default=None, description="Where in the JSON it says whether all went well.")
    equals: bool | int | float | str = Field(default=True, description="What must stand at `pointer`.")
    errors: Pointer | None = Field(default=None, description="Where in the JSON those that are refused are listed.")
    id: Pointer | None = Field(default=None, description="Where in an entry of `errors` it says whom that is about.")
    by: Literal["message_id", "email", "user_id"] = Field(default="message_id", description="What stands at `id`.")
    index: Pointer | None = Field(default=None, description="Where in an entry the place in the request is, from 0.")
    message: Pointer = Field(default="/message", description="Where in an entry the words are.")


def read_accept(value: object) -> object:
    """What `accept` may be. A table is a rule if it has statuses or a pointer, else what the JSON has to hold."""
    if isinstance(value, dict) and _is_rule(value):
        return _rule(value)
    if value in ("any", "no_html", "json") or (isinstance(value, dict) and value and is_json(value)):
        return value
    raise ValueError(
        'must be "no_html", "json" or "any", or what the JSON has to hold, such as { ok = true }, or a rule, such as'
        ' { status = [200], errors = "/errors" }'
    )


def _is_rule(value: Mapping[str, object]) -> bool:
    return isinstance(value.get("status"), list) or any(
        isinstance(text := value.get(key), str) and text.startswith("/") for key in ("pointer", "errors")
    )


def _rule(value: Mapping[str, object]) -> AcceptRule:
    unknown = [key for key in value if key not in AcceptRule.model_fields]
    if unknown:
        near = suggest(unknown[0], list(AcceptRule.model_fields))
        hint = f"did you mean `{near[0]}`?" if near else f"known are {', '.join(AcceptRule.model_fields)}"
        raise ValueError(f"is a rule with a key that is none of its keys; {hint}")
    if "errors" not in value and not {"id", "index", "message", "by"}.isdisjoint(value):
        raise ValueError('is a rule with keys about the entries of `errors`; add errors = "/…"')
    if "id" in value and "index" in value:
        raise ValueError("is a rule with `id` and `index`, which both say whom an entry is about; keep one of them")
    if "equals" in value and "pointer" not in value:
        raise ValueError('is a rule with `equals` and without the place that must hold it; add pointer = "/…"')
    try:
        return AcceptRule.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        said = str(first["ctx"]["error"]) if first["type"] == "value_error" else first["msg"]
        message = f"is a rule whose `{first['loc'][0]}` {said}"
    raise ValueError(message)


def is_json(value: object) -> bool:
    """Whether it can stand in JSON: TOML has dates and times, too."""
    match value:
        case dict():
            return all(map(is_json, value.values()))
        case list():
            return all(map(is_json, value))
    return isinstance(value, bool | int | float | str)


class Acceptance:
    """What `accept` of a destination says of its answers."""

    def __init__(self, accept: str | AcceptRule | Mapping[str, Any], http: HttpSender, shape: Shape) -> None:
        self._http = http
        self._shape = shape
        self._rule = accept if isinstance(accept, AcceptRule) else None
        self._accept = "no_html" if isinstance(accept, AcceptRule) else accept

    def statuses(self, own: frozenset[int] | None) -> frozenset[int] | None:
        """The statuses that accept a request which has its `own`, or not; None: the usual ones."""
        return own or (self._rule.status if self._rule else None)

    def reasons(self, request: Payload, answer: Answer, statuses: frozenset[int] | None) -> Mapping[str, Sequence[str]]:
        """Why each item was refused, by message id. Raises `DestinationError` if the answer accepts nothing."""
        self._check_status(answer, statuses)
        self._check_body(answer)
        if answer.status >= 400:
            return {}
        self._check_pointer(answer)
        reasons: dict[str, list[str]] = defaultdict(list)
        entries = self._entries(answer)
        sent = [(self._named(call), call) for call in request.identifies] if entries else []
        for entry in entries:
            about = [call.message_id for call in self._about(entry, sent)]
            if len(request.identifies) == 1:
                about = [request.identifies[0].message_id]
            if not about:
                message = f"{self._http.who} answered {answer.status}, with errors that do not say whom they are about"
                raise errors.RequestRefusedError(message, http_status=answer.status)
            for message_id in about:
                reasons[message_id].append(self._words(entry) or "refused without saying why")
        return reasons

    def _check_status(self, answer: Answer, statuses: frozenset[int] | None) -> None:
        if statuses is not None and answer.status not in statuses:
            said = self._http.clean(words(answer.body))
            message = f"{self._http.who} answered {answer.status}, which is no status that accepts: {said}"
            raise errors.RequestRefusedError(message, http_status=answer.status)

    def _check_body(self, answer: Answer) -> None:
        """Raises unless this is an answer of the receiver, and says what `accept` asks for."""
        why = None
        if answer.is_encoded:
            why = "in an encoding that it was not asked for"
        elif self._accept != "any" and answer.is_page:
            why = "with a web page: check `url`, and whether a login or a proxy stands in between"
        elif self._wants_json(answer) and not _is_whole_json(answer.body):
            why = "with something else than the JSON that `accept` asks for"
        if why is not None:
            message = f"{self._http.who} answered {answer.status} {why}"
            raise errors.DestinationUnavailableError(message, maybe_applied=True, http_status=answer.status)
        if isinstance(self._accept, Mapping) and not _holds(read_json(answer.body), self._accept):
            self._refuse(answer)

    def _wants_json(self, answer: Answer) -> bool:
        if self._rule is None:
            return self._accept not in ("any", "no_html")
        if answer.status >= 400:
            return False
        return self._rule.pointer is not None or (self._rule.errors is not None and bool(answer.body.strip()))

    def _check_pointer(self, answer: Answer) -> None:
        if self._rule is None or self._rule.pointer is None:
            return
        found = at_pointer(read_json(answer.body), self._rule.pointer)
        if found is MISSING or not _holds(found, self._rule.equals):
            self._refuse(answer)

    def _refuse(self, answer: Answer) -> None:
        said = self._http.clean(words(answer.body))
        message = f"{self._http.who} answered {answer.status}, and not what `accept` asks for: {said}"
        raise errors.RequestRefusedError(message, http_status=answer.status)

    # --- entries -------------------------------------------------------------------------------------------

    def _entries(self, answer: Answer) -> Sequence[object]:
        if self._rule is None:
            return _listed(answer.body)
        if self._rule.errors is None or not answer.body.strip():
            return []
        found = at_pointer(read_json(answer.body), self._rule.errors)
        if found is MISSING or not found:
            return []
        return found if isinstance(found, list) else [found]

    def _named(self, call: Call) -> str:
        """What the receiver names a call by: it knows the address and the user in the form that it was told."""
        by = "message_id" if self._rule is None else self._rule.by
        name: str = getattr(call if by == "message_id" else self._shape.of(call), by)
        return name.casefold()

    def _about(self, entry: object, sent: Sequence[tuple[str, Call]]) -> Iterator[Call]:
        """The calls that an entry names; none if it names anything that was not sent."""
        rule = self._rule
        if rule is not None and rule.index is not None:
            place = at_pointer(entry, rule.index)
            if isinstance(place, int) and not isinstance(place, bool) and 0 <= place < len(sent):
                yield sent[place][1]
            return
        named = at_pointer(entry, "/messageId" if rule is None or rule.id is None else rule.id)
        names = [_name(each) for each in (named if isinstance(named, list) else [named])]
        if all(names) and {*names} <= {name for name, _ in sent}:
            yield from (call for name, call in sent if name in names)

    def _words(self, entry: object) -> str:
        if self._rule is None:
            return _words(entry)
        said = at_pointer(entry, self._rule.message)
        said = entry if said is MISSING else said
        return "" if said is None else one_line(said if isinstance(said, str) else encode(said).decode())


def _name(value: object) -> str | None:
    """What can be a call's name."""
    return value.casefold() if isinstance(value, str) else None


def _is_whole_json(body: bytes) -> bool:
    try:
        read_json(body)
    except NotJSONError:
        return False
    return True


def _holds(found: object, wanted: object) -> bool:
    """Whether an object has at least what is wanted; any other value has to be the same."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(key in found and _holds(found[key], wanted[key]) for key in wanted)
    return isinstance(found, bool) is isinstance(wanted, bool) and found == wanted


def _listed(body: bytes) -> Sequence[object]:
    """The entries of the list of errors in an answer. Where there is one that cannot be read, all of it is an entry."""
    try:
        answer = read_json(body)
    except NotJSONError as error:
        return [error.text] if '"errors"' in error.text else []
    listed = answer.get("errors") if isinstance(answer, dict) else None
    return listed if isinstance(listed, list) else [listed] if listed else []


def _words(entry: object) -> str:
    """What an entry says: its message, whatever kind of value that is; where it has none, all of it."""
    said = entry.get("message") if isinstance(entry, dict) and "messageId" in entry else entry
    if isinstance(said, dict) and isinstance(said.get("message"), str):
        said = said["message"]
    if said is None:
        return ""
    return one_line(said if isinstance(said, str) else encode(said).decode())
