"""Members whose rows have not changed are not compared again: checksums of the rows tell.

The users of an audience are in groups, by a hash of their id: a row of the snapshot and the same row of the state are
in the same group. A plan leaves what the snapshot's rows of an audience, and of each group, add up to
(`member_sum`) if it found no difference there, or looked for none because the sum was the same as before. Whatever
changes the state was planned first, by a plan that found a difference in that group and so left no sum of it; only
forgetting works beside the plan, and drops all sums. What a plan was not about, it drops. So a sum that the last plan
left says that the state of that group is still what it was then, and while the rows add up to it nothing differs.

Rows are added up by audience, which is cheap, and by group where that saves more than it costs: of large audiences, and
of audiences that changed, if they are much of all. Which those are is known, as a rule, before anything is added up. An
audience of which something is due again is compared whole, and so is every audience after the settings or the version
changed. A first sync adds up nothing: it leaves what the next plan has to.

Two sets of rows that differ have the same sum of 64 bits by chance once in some 10^19 comparisons. The hashes have a
key, because people choose their user ids and addresses, and could choose those that add up to the same.
A preview compares everything, and so does `syncer verify`.

Adding up by audience costs about a tenth of comparing, and adding up by very many groups nearly as much as comparing.
So either is left out where too much changed last time.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import psycopg.sql

from syncer.planning.moved import Moved
from syncer.planning.snapshot import Snapshot
from syncer.state import Connection, columns_of, execute, fetch_all, fetch_value

MEMBERS = 8
"""Of a group, at least: with fewer the sums themselves cost more than they save."""

COARSE = 64
"""Of a group where hardly anything changes: fewer make the sums cost more, and save little."""

_FEW = 4096
"""Groups are enough for a large audience of which hardly anything changes."""

_OF_ONE_CHANGE = 32
"""Groups for each of its changes leave nearly all of an audience alone."""

_MOST = 1 << 20
"""Groups at most: their sums are one value, of 8 MB, and the numbers of those that moved pass through this process."""

_WORTH = 0.66
"""Where less is unchanged, the next plan compares nearly all: what changed now, once more, and what changes then."""

_WORTH_IN_PARALLEL = 0.95
"""The same from PostgreSQL 16 on, which compares everything with several processes, and adds up by group with one."""

_JOINS_IN_PARALLEL = 16_00_00
"""The first version that makes a full join with several processes."""

_ENOUGH = 0.5
"""Of all rows, to add them up by audience, which is much cheaper than by group."""

LARGE = 0.25
"""Of all rows: adding up fewer by group takes longer than comparing them."""

UNDIVIDED = 8
"""An audience of fewer than so many groups' members is one group: as a rule none of them, or most, would move."""

_SPREAD = 8
"""An audience keeps its number of groups until they are that many times too large or too small."""

PART = 0.6
"""Where more of an audience's groups moved, reading the others, too, hardly costs more."""


class Kept(NamedTuple):
    """What the last plan left of an audience at a destination. `fingerprint`: None, something differed."""

    destination_id: int
    audience_id: int
    name: str
    reading: str
    fingerprint: str | None
    groups: int


class Left(NamedTuple):
    """An audience of which sums are left."""

    audience_id: int
    name: str
    fingerprint: str | None


class LeftWhole(NamedTuple):
    """An audience of which no sums of `groups` are left, because it has none (0), or because they are not known."""

    audience_id: int
    fingerprint: str | None
    groups: int


class Leaving(NamedTuple):
    """What a plan leaves of a destination: `still` are the audiences of which what is kept is still right."""

    still: Collection[int] = ()
    left: Sequence[Left] = ()
    left_whole: Sequence[LeftWhole] = ()


class _Total(NamedTuple):
    audience: str | None
    rows: int
    total: int


class _Touched(NamedTuple):
    audience_id: int
    by_row: bool
    changes: int


class _Changed(NamedTuple):
    audience_id: int
    groups: int


@dataclass(frozen=True, slots=True)
class Checksums:
    """What the last plans left of every audience. `readings` says how rows are read now, by destination, `key` is the
    state's for all sums."""

    kept: Sequence[Kept]
    readings: Mapping[int, str]
    key: int

    @property
    def groups(self) -> Mapping[str, int]:
        """In how many groups each audience was added up."""
        return _most((each.name, each.groups) for each in self.kept)

    @property
    def groups_at_once(self) -> Mapping[str, int]:
        """In how many groups to add up each audience at once: in one, unless its total says nothing, or it is large."""
        large = LARGE * sum(each.groups for each in self.kept)
        return _most(
            (each.name, each.groups if each.fingerprint is None or each.groups >= large else 1) for each in self.kept
        )

    def of(self, destination_id: int) -> Mapping[int, Kept]:
        """What is kept of a destination's audiences, by id, where rows are still read in that way."""
        return {
            each.audience_id: each
            for each in self.kept
            if each.destination_id == destination_id and self._is_read_so(each)
        }

    def _is_read_so(self, kept: Kept) -> bool:
        return kept.reading == self.readings.get(kept.destination_id)


NOTHING = Checksums((), {}, key=0)
"""Where nothing was left, and nothing will be."""


def recall(connection: Connection, readings: Mapping[int, str]) -> Checksums:
    """What is kept at the destinations of these readings."""
    kept = fetch_all(connection, Kept, "list_kept", {"destination_ids": list(readings)})
    return Checksums(kept, readings, fetch_value(connection, "show_sum_key"))


@dataclass(slots=True)
class Sums:
    """What the snapshot's rows add up to. `rows` are all, by audience; `added_up`: their fingerprints are known.
    `groups` says in how many groups which audiences were added up, `kept` in how many before."""

    connection: Connection
    snapshot: Snapshot
    key: int
    kept: Mapping[str, int]
    rows: Mapping[str | None, int] = field(default_factory=dict)
    added_up: bool = False
    groups: dict[str, int] = field(default_factory=dict)
    _gathered: bool = False
    _fingerprints: dict[str | None, str] = field(default_factory=dict)

    def fingerprint(self, name: str) -> str:
        """Of an audience that was added up."""
        return self._fingerprints.get(name, _fingerprint(0, 0))

    def share(self, names: Iterable[str]) -> float:
        """How much of all rows these audiences have."""
        return sum(self.rows.get(name, 0) for name in names) / max(1, sum(self.rows.values()))

    def add_up(self, groups: Mapping[str, int]) -> None:
        """Adds up all rows, and counts them: each audience in so many groups."""
        if any(number > 1 for number in groups.values()):
            self._add_up_groups(groups, only=None)
        else:
            self._note(self.snapshot.fetch_all(self.connection, _Total, "add_up_audiences", {"key": self.key}))
        self.added_up = True

    def group(self, groups: Mapping[str, int]) -> None:
        """Adds up these audiences by so many groups, unless that was done, and the others as a whole."""
        divided = {name: number for name, number in groups.items() if name not in self.groups}
        if not self.added_up:
            self.add_up({**{name: 1 for name in self.rows if name is not None}, **divided})
        elif divided:
            self._add_up_groups(divided, only=list(divided))

    def groups_of(self, name: str, changes: int = 0) -> int:
        """How many groups an audience has: as many as before, unless it is of quite another size now."""
        rows = self.rows.get(name, 0)
        number = self.groups.get(name) or self.kept.get(name, 1)
        return number if _suits(number, rows) else _groups_of(rows, changes)

    def _add_up_groups(self, groups: Mapping[str, int], *, only: Sequence[str] | None) -> None:
        expression, named = _number_of_groups(groups)
        asked = {"key": self.key, "only": only, **named}
        self.snapshot.execute(self.connection, "add_up_groups", asked, groups=expression)
        self._note(fetch_all(self.connection, _Total, "sum_up_groups"))
        if not self._gathered:
            execute(self.connection, "create_audience_sum")
            self._gathered = True
        suiting = {name: number for name, number in groups.items() if _suits(number, self.rows.get(name, 0))}
        given = {"names": list(suiting), "groups": list(suiting.values())}
        execute(self.connection, "gather_sums", given)
        execute(self.connection, "drop_group_sum")
        self.groups.update(suiting)

    def _note(self, totals: Sequence[_Total]) -> None:
        self.rows = {**self.rows, **{each.audience: each.rows for each in totals}}
        self._fingerprints.update((each.audience, _fingerprint(each.rows, each.total)) for each in totals)


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered of a destination, beside what the rows add up to now. `kept` is by audience."""

    sums: Sums
    destination_id: int
    kept: Mapping[int, Kept]

    def unchanged(self, names: Mapping[int, str]) -> Collection[int]:
        """Of these audiences those of which nothing can differ."""
        if not self.sums.added_up:
            return ()
        return [
            key for key, name in names.items() if key in self.kept and self.kept[key].fingerprint == self._now(name)
        ]

    def moved(self, names: Mapping[int, str]) -> Mapping[int, Moved]:
        """Of these audiences, by id, the groups that can differ, where that is not nearly everything."""
        divided = {key: name for key, name in names.items() if key in self.kept and self.kept[key].groups > 1}
        if not self.sums.added_up:
            return {}
        if self.sums.share(name for name in divided.values() if name not in self.sums.groups) >= LARGE:
            self.sums.group({name: self.sums.groups_of(name) for name in divided.values()})
        known = {key: name for key, name in divided.items() if name in self.sums.groups}
        if not known:
            return {}
        asked = {"audience_ids": list(known), "names": list(known.values())}
        found = fetch_all(self.sums.connection, Moved, "list_moved", {"destination_id": self.destination_id, **asked})
        return {each.audience_id: each for each in found if 0 < len(each.moved) <= PART * each.groups}

    def leave(self, names: Mapping[int, str], left_out: Collection[int]) -> Leaving:
        """What to leave of these audiences, of which those that are `left_out` were not compared, if the next plan may
        save work by that. Notes what differs."""
        touched = {each.audience_id: each for each in fetch_all(self._connection, _Touched, "list_touched")}
        still = {key for key in left_out if key not in touched}
        doubted = {key for key, each in touched.items() if not each.by_row}
        fresh = {key: name for key, name in names.items() if key not in still and key not in doubted}
        changes = {key: touched[key].changes if key in touched else 0 for key in fresh}
        groups = {key: self.sums.groups_of(name, changes[key]) for key, name in fresh.items()}
        changed = self._note_changes({key: groups[key] for key in fresh if key in touched})
        unchanged = {key: 1 - changed.get(key, 0) / groups[key] for key in fresh}
        divided = self._to_divide({key: name for key, name in fresh.items() if groups[key] > 1}, changed, unchanged)
        whole = {key: name for key, name in fresh.items() if key not in divided and key not in changed}
        known = self.sums.share([*(names[key] for key in still), *whole.values()])
        known += sum(unchanged[key] * self.sums.share([name]) for key, name in divided.items())
        if not worthwhile(known, 1, _ENOUGH):
            return Leaving()
        self.sums.group({name: groups[key] for key, name in divided.items()})
        left = [
            Left(key, name, None if key in changed else self._now(name))
            for key, name in divided.items()
            if name in self.sums.groups
        ]
        left_whole = [LeftWhole(key, self._now(name), 0) for key, name in whole.items()]
        return Leaving(still, left, left_whole)

    def _to_divide(
        self, names: Mapping[int, str], changed: Collection[int], unchanged: Mapping[int, float]
    ) -> Mapping[int, str]:
        """Of these audiences those of which to leave the sums of groups, so that most need not be compared next time:
        those that changed, or are large, if that is not too little."""
        divided = {key: name for key, name in names.items() if worthwhile(unchanged[key], 1, self._least)}
        due = {key for key, name in divided.items() if key in changed or self.sums.share([name]) >= LARGE}
        enough = self.sums.share(divided[key] for key in due if divided[key] not in self.sums.groups) >= LARGE
        return {key: name for key, name in divided.items() if name in self.sums.groups or (enough and key in due)}

    def is_first(self) -> bool:
        """Whether the initial sync of no audience has ended."""
        return bool(fetch_value(self._connection, "is_initial"))

    def leave_unknown(self, names: Mapping[int, str]) -> Leaving:
        """What to leave of these audiences if all of each is new, so that the next plan adds them up at once."""
        large = {key for key, name in names.items() if self.sums.share([name]) >= LARGE}
        groups = {key: self.sums.groups_of(name) if key in large else 1 for key, name in names.items()}
        return Leaving(left_whole=[LeftWhole(key, None, 0 if each == 1 else each) for key, each in groups.items()])

    def _note_changes(self, groups: Mapping[int, int]) -> Mapping[int, int]:
        """Notes the groups of these audiences, of which something differs; returns how many of each do."""
        divided = {key: number for key, number in groups.items() if number > 1}
        if not divided:
            return groups
        execute(
            self._connection,
            "fill_changed_group",
            {"key": self.sums.key, "audience_ids": list(divided), "groups": list(divided.values())},
        )
        found = fetch_all(self._connection, _Changed, "count_changed_groups")
        return {**groups, **{each.audience_id: each.groups for each in found}}

    def _now(self, name: str) -> str:
        return self.sums.fingerprint(name)

    @property
    def _least(self) -> float:
        """How much of an audience's groups has to be unchanged at least for their sums to be left."""
        return _WORTH_IN_PARALLEL if self._connection.info.server_version >= _JOINS_IN_PARALLEL else _WORTH

    @property
    def _connection(self) -> Connection:
        return self.sums.connection


def keep(connection: Connection, destination_id: int, reading: str, leaving: Leaving) -> None:
    """Keeps what a plan leaves of a destination, and nothing else of it."""
    here = {"destination_id": destination_id}
    kept = [*leaving.still, *(each.audience_id for each in leaving.left)]
    kept += [each.audience_id for each in leaving.left_whole]
    execute(connection, "drop_sums", {**here, "audience_ids": kept})
    if leaving.left:
        given = columns_of(leaving.left, "audience_id", "name", "fingerprint")
        execute(connection, "leave_sums", {**here, "reading": reading, **given})
    if leaving.left_whole:
        given = columns_of(leaving.left_whole, "audience_id", "fingerprint", "groups")
        execute(connection, "leave_totals", {**here, "reading": reading, **given})


def worthwhile(unchanged: float, of_all: float, least: float = _WORTH) -> bool:
    """Whether the next plan is likely to save work by what is left, and not only to add up more."""
    return unchanged > least * of_all


def _fingerprint(rows: int, total: int) -> str:
    return f"{rows} {total}"


def _most(numbers: Iterable[tuple[str, int]]) -> Mapping[str, int]:
    """The largest number of each name."""
    return dict(sorted(numbers, key=lambda each: each[1]))


def _groups_of(rows: int, changes: int) -> int:
    """How many groups an audience of this size has, of which so much changed: a power of two."""
    if rows < UNDIVIDED * MEMBERS:
        return 1
    wanted = min(max(_least(rows), _OF_ONE_CHANGE * changes), rows // MEMBERS, _MOST)
    return int(1 << max(0, wanted.bit_length() - 1))


def _least(rows: int) -> int:
    return min(rows // COARSE, _FEW)


def _suits(groups: int, rows: int) -> bool:
    """Whether an audience of this size may go on with so many groups."""
    many = _SPREAD * rows < MEMBERS * groups
    return groups > 1 and rows >= UNDIVIDED * MEMBERS and not many and _SPREAD * groups >= _least(rows)


def _number_of_groups(groups: Mapping[str, int]) -> tuple[psycopg.sql.Composable, Mapping[str, object]]:
    """SQL for the number of groups that the audience of a row has, and its parameters."""
    classes: dict[int, list[str]] = {}
    for name, number in sorted(groups.items(), key=lambda each: -each[1]):
        classes.setdefault(number, []).append(name)
    *larger, smallest = classes
    if not larger:
        return psycopg.sql.Literal(smallest), {}
    whens = psycopg.sql.SQL(" ").join(
        psycopg.sql.SQL("WHEN hashed.audience = ANY ({}::text[]) THEN {}").format(
            psycopg.sql.Placeholder(f"names_{number}"), psycopg.sql.Literal(number)
        )
        for number in larger
    )
    expression = psycopg.sql.SQL("CASE {} ELSE {} END").format(whens, psycopg.sql.Literal(smallest))
    return expression, {f"names_{number}": classes[number] for number in larger}
