"""A plan that is saved to be reviewed: how many would be told what, and digests of exactly who and what. It names no
person, and nobody without the state can try by a digest whether somebody is in it.

A run of it makes the plan once more and compares it, before it counts: it is the same one, or nothing is sent.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

import syncer
from syncer import errors, naming

FORMAT = 1

_MOST_PROBLEMS = 50
_LONGEST = 500
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_PLAN_AGAIN = "make another one: syncer plan --out FILE"
_OTHERS = "as many people as were reviewed, but not the same ones, or not told the same"


class Audience(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a destination would be told about an audience, in contacts. `waiting`: for anything but a hold."""

    audience: str
    property: str
    added: int
    removed: int
    changed: int
    told_again: int
    covered: int
    held: int
    waiting: int
    digest: str


class Destination(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one destination would be told. `settings` is a digest of its configuration, without its secrets, and
    `owed_events` are those of what earlier runs told."""

    destination: str
    settings: str
    skipped: Mapping[str, int]
    owed_events: int
    owed_digest: str
    audiences: Sequence[Audience]


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`state` tells the state that it was made with, `only_…` are the names that it was limited to. `forecast` is for
    whoever reads it, and is compared with nothing."""

    format: int
    syncer_version: str
    made_at: datetime
    state: str
    only_audiences: Sequence[str]
    only_destinations: Sequence[str]
    forecast: Sequence[Mapping[str, Any]]
    destinations: Sequence[Destination]


class _Any(msgspec.Struct):
    format: int
    syncer_version: str


def encoded(plan: Plan) -> bytes:
    """The plan as a file, which people can read as well."""
    return msgspec.json.format(msgspec.json.encode(plan), indent=2) + b"\n"


def decoded(document: bytes, path: str) -> Plan:
    """The plan of a file. Raises `ConfigError`, with the way out, for one that this version cannot have written."""
    try:
        head = msgspec.json.decode(document, type=_Any)
        if head.format == FORMAT and head.syncer_version == syncer.__version__:
            return _decoded(document)
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        why = f"is no plan that `syncer plan --out` wrote: {_cut(str(error))}; {_PLAN_AGAIN}"
        raise _refused(path, why) from None
    raise _refused(
        path, f"was made by syncer {_cut(head.syncer_version)}, and this is {syncer.__version__}; {_PLAN_AGAIN}"
    )


def _decoded(document: bytes) -> Plan:
    if _NUL.search(document):
        raise ValueError("it has a NUL in a text")
    return msgspec.json.decode(document, type=Plan)


def refuse_other_state(plan: Plan, state: str) -> None:
    """Raises `ConfigError` if the plan was made with another state than this one."""
    if plan.state != state:
        raise _refused("--plan", f"the plan was made with another state; {_PLAN_AGAIN}")


def compare(reviewed: Plan, now: Sequence[Destination]) -> None:
    """Raises `PlanMovedError`, with every difference, unless what would be told now is what was reviewed."""
    found = [errors.Problem(_cut(each.path), _cut(each.message)) for each in _differences(reviewed, now)]
    if not found:
        return
    more = len(found) - _MOST_PROBLEMS
    if more > 0:
        found = [*found[:_MOST_PROBLEMS], errors.Problem("", f"and {more:,} more differences")]
    raise errors.PlanMovedError(
        f"nothing was sent: the plan of {reviewed.made_at:%Y-%m-%d %H:%M:%S} UTC was reviewed, and a run would send"
        " something else now. Review it once more: syncer plan --out FILE",
        found,
    )


def _differences(reviewed: Plan, now: Sequence[Destination]) -> Iterator[errors.Problem]:
    before = {each.destination: each for each in reviewed.destinations}
    after = {each.destination: each for each in now}
    for name in {**before, **after}:
        was, is_now = before.get(name), after.get(name)
        if was is None:
            yield errors.Problem(name, "would be told now, and was not reviewed")
        elif is_now is None:
            yield errors.Problem(name, "was reviewed, and would be told nothing now: it is paused, or not configured")
        else:
            yield from _of_destination(was, is_now)


def _of_destination(was: Destination, is_now: Destination) -> Iterator[errors.Problem]:
    if was.settings != is_now.settings:
        yield errors.Problem(was.destination, "its configuration was another one")
    elif was.owed_events != is_now.owed_events:
        counts = f"{was.owed_events:,} reviewed, {is_now.owed_events:,} now"
        yield errors.Problem(was.destination, f"events that are owed: {counts}")
    elif was.owed_digest != is_now.owed_digest:
        yield errors.Problem(was.destination, "as many events are owed as were reviewed, but not the same ones")
    moved = _moved(dict(was.skipped), dict(is_now.skipped))
    if moved:
        yield errors.Problem(was.destination, f"skipped rows: {moved}")
    before = {(each.audience, each.property): each for each in was.audiences}
    after = {(each.audience, each.property): each for each in is_now.audiences}
    for key in sorted(before.keys() | after.keys()):
        difference = _of_audience(before.get(key), after.get(key))
        if difference:
            yield errors.Problem(f"{was.destination}, {naming.listed(key[0])}", difference)


def _of_audience(was: Audience | None, is_now: Audience | None) -> str | None:
    if was is None:
        return f"was not reviewed; now {_counted(is_now)}"
    if is_now is None:
        return f"was reviewed ({_counted(was)}), and is not planned now"
    return _moved(_counts(was), _counts(is_now)) or (None if was.digest == is_now.digest else _OTHERS)


def _counts(audience: Audience | None) -> dict[str, int]:
    said = {} if audience is None else msgspec.structs.asdict(audience)
    return {name.replace("_", " "): count for name, count in said.items() if isinstance(count, int)}


def _counted(audience: Audience | None) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in _counts(audience).items() if count) or "nothing to tell"


def _moved(was: Mapping[str, int], is_now: Mapping[str, int]) -> str:
    """The counts that are others now, in words."""
    names = sorted(was.keys() | is_now.keys(), key=list({**was, **is_now}).index)
    return ", ".join(
        f"{name} {was.get(name, 0):,} reviewed, {is_now.get(name, 0):,} now"
        for name in names
        if was.get(name, 0) != is_now.get(name, 0)
    )


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _refused(path: str, message: str) -> errors.ConfigError:
    return errors.ConfigError([errors.Problem(path, message)])
