"""Whether what a destination says of a contact is what it had accepted, property by property.

| accepted         | it says                                    | becomes                                             |
|------------------|--------------------------------------------|-----------------------------------------------------|
| a value          | the same                                   | no difference                                       |
| a value          | another one                                | `changed` if it says that the contact was changed   |
|                  |                                            | after the run that told it had ended, else `stale`  |
| a value          | nothing about it                           | `missing`                                           |
| true, or a trait | that it knows no such contact              | `missing`                                           |
| false            | that it knows no such contact              | no difference: nobody is there who could be in it   |
| nothing          | true of a property that is an audience's   | `untold`                                            |
| anything         | whatever, while it is told something new   | not judged: `moved`                                 |

A trait that was taken back (told null) is not judged: what a destination makes of null differs.
"""

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from syncer.calls import Belief
from syncer.destinations.encoding import UnsendableError, encode
from syncer.destinations.reading import moment
from syncer.models import KnownAudience, Value

Kind = Literal["missing", "stale", "untold", "changed"]
KINDS: Sequence[Kind] = ("missing", "stale", "untold", "changed")

Written = Callable[[str, Value], tuple[str, Value]]

_LONGEST = 100
"""Characters of a value that are kept."""
_Z95 = 1.959964
"""How many standard deviations to each side hold 95 % of a normal distribution."""
_NOTHING = object()


@dataclass(frozen=True, slots=True)
class Accepted:
    """A property of a contact as it was accepted last. `told_at`: when the run that told it had ended, if it has."""

    contact: str
    audience_id: int
    user_id: str
    email: str | None
    value: Value
    told_run_id: int
    told_at: datetime | None


@dataclass(frozen=True, slots=True)
class Difference:
    """A property of which a destination believes something else. Values are JSON, cut; None: there is none."""

    contact: str
    audience_id: int
    user_id: str
    email: str | None
    kind: Kind
    believed: str | None
    accepted: str | None
    knows_contact: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found out about a contact; `moved`: something of it was not judged."""

    differences: Sequence[Difference] = ()
    moved: bool = False


@dataclass(frozen=True, slots=True)
class Subject:
    """A contact, and what was accepted of it before it was asked about, and after. `moving`: the audiences of which it
    may be told something any moment."""

    before: Sequence[Accepted]
    after: Sequence[Accepted]
    moving: Collection[int]

    def steady(self) -> dict[int, Accepted]:
        """What can be judged, by audience."""
        earlier = {each.audience_id: each for each in self.before}
        return {
            each.audience_id: each
            for each in self.after
            if each.audience_id not in self.moving and _same_telling(earlier.get(each.audience_id), each)
        }

    def moved(self) -> set[int]:
        """The audiences that cannot be judged."""
        all_of_it = {each.audience_id for each in (*self.before, *self.after)} | set(self.moving)
        return all_of_it - self.steady().keys()


def _same_telling(before: Accepted | None, after: Accepted) -> bool:
    return before is not None and (before.told_run_id, before.value) == (after.told_run_id, after.value)


def judge(belief: Belief | None, subject: Subject, audiences: Mapping[int, KnownAudience], written: Written) -> Verdict:
    """What differs of a contact, as far as it is about these audiences. `belief` None: it knows no such contact."""
    moved = subject.moved() & audiences.keys()
    steady = {key: each for key, each in subject.steady().items() if key in audiences}
    found = [*_wrong(belief, steady, audiences, written)]
    if belief is not None and subject.after:
        told = subject.after[0]
        found += _untold(belief, told, {*steady, *moved, *(each.audience_id for each in subject.after)}, audiences)
    return Verdict(found, bool(moved) or not subject.after)


def _wrong(
    belief: Belief | None, steady: Mapping[int, Accepted], audiences: Mapping[int, KnownAudience], written: Written
) -> Iterator[Difference]:
    other: Kind = "changed" if belief is not None and _changed_since(belief, steady.values()) else "stale"
    for audience_id, each in steady.items():
        try:
            name, value = written(audiences[audience_id].property, each.value)
        except UnsendableError:  # it was sent in another form than the configuration asks for now
            continue
        believed = _NOTHING if belief is None else belief.values.get(name, _NOTHING)
        if believed is _NOTHING:
            if belief is not None or value is not False:
                yield _difference(each, "missing", None, value, knows_contact=belief is not None)
        elif not _is(believed, value, audiences[audience_id].value_type):
            yield _difference(each, other, shown(believed), value, knows_contact=True)


def _untold(
    belief: Belief, told: Accepted, known: Collection[int], audiences: Mapping[int, KnownAudience]
) -> Iterator[Difference]:
    for audience_id, audience in audiences.items():
        if audience_id not in known and not audience.is_trait and belief.values.get(audience.property) is True:
            yield Difference(
                told.contact,
                audience_id,
                told.user_id,
                told.email,
                "untold",
                "true",
                None,
                knows_contact=True,
            )


def _difference(each: Accepted, kind: Kind, believed: str | None, value: Value, *, knows_contact: bool) -> Difference:
    return Difference(
        each.contact, each.audience_id, each.user_id, each.email, kind, believed, shown(value), knows_contact
    )


def _changed_since(belief: Belief, accepted: Collection[Accepted]) -> bool:
    """Whether it says that the contact was changed after our last call about it had been answered."""
    ended = [each.told_at for each in accepted if each.told_at is not None]
    return belief.changed_at is not None and len(ended) == len(accepted) > 0 and belief.changed_at > max(ended)


def _is(believed: object, value: Value, value_type: str | None) -> bool:
    """Whether it is the same value: a boolean is no number, and a time is the same in every way to write it."""
    if value_type == "timestamp":
        then = moment(believed)
        return then is not None and then == moment(value)
    if isinstance(believed, bool) or isinstance(value, bool):
        return believed is value
    if isinstance(believed, dict | list) and not isinstance(value, dict | list):
        return False
    return believed == value


def shown(value: object) -> str:
    """A value as JSON that is fit to be kept: of a map or a list only that it is one."""
    match value:
        case dict():
            return "{…}"
        case list():
            return "[…]"
    try:
        text = encode(value).decode()
    except UnsendableError:  # a number or a text that JSON can hold and we would not send
        return "…"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


@dataclass(frozen=True, slots=True)
class Share:
    """A share of all contacts, from those of a sample: the estimate, and within which bounds it is, with 95 %
    confidence (Wilson's interval). All three in percent."""

    percent: float
    low: float
    high: float


def share(differing: int, judged: int) -> Share | None:
    """The share of those that differ; None if nobody was judged."""
    if not judged:
        return None
    found, square = differing / judged, _Z95**2
    middle = (found + square / (2 * judged)) / (1 + square / judged)
    half = _Z95 * math.sqrt(found * (1 - found) / judged + square / (4 * judged**2)) / (1 + square / judged)
    low, high = max(0.0, middle - half), min(1.0, middle + half)
    return Share(*(round(100 * each, 4) for each in (found, low, high)))
