"""How many users an audience has and how many contacts the snapshot holds, if possible without counting the snapshot.

Counting different users in the snapshot costs about as much as comparing it. But the snapshot has the users that the
state has, but for the differences, which the plan finds anyway: so a plan counts only the differences, and adds them to
the counts of the state (`user_count`, `contact_count`). A run of which everything was accepted leaves the counts of its
snapshot there; any other run counts what it did to the state. The snapshot itself is counted only where the state has
no counts, or the differences are too many.
"""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from typing import NamedTuple

from syncer import mirrors
from syncer.log import Logger
from syncer.planning import checksums
from syncer.planning.snapshot import NotEnoughError, Snapshot
from syncer.state import Connection, fetch_all, fetch_optional, fetch_value, fetch_values

log = Logger(__name__)

# More differences than that, and than this share of the snapshot's rows, cost as much to count as the snapshot.
_FEW = 10_000
_SHARE = 0.2


class _Rows(NamedTuple):
    audience: str | None
    rows: int


class _Contacts(NamedTuple):
    contacts: int


class _Users(NamedTuple):
    audience_id: int
    users: int


class _Members(NamedTuple):
    audience: str
    members: int


@dataclass(slots=True)
class Counts:
    """The counts of a snapshot, for the plan of a run: `rows` by audience name (None: rows that name no audience). An
    audience that only rows name which were taken out of it is there, with none.

    `sums` are what the rows add up to (see `checksums`); None: of a part of them that says nothing. `learnable`: some
    destination was compared by which everything can be counted.
    """

    connection: Connection
    snapshot: Snapshot
    run_id: int
    rows: Mapping[str | None, int]
    sums: checksums.Sums | None = None
    learnable: bool = False
    _members: dict[str, int] = field(default_factory=dict)
    _contacts: int | None = None

    @property
    def names(self) -> Set[str]:
        """The audiences that rows name."""
        return {name for name in self.rows if name is not None and _names_audience(name)}

    @property
    def nameless(self) -> Set[str]:
        """The texts in the place of a name that name no audience."""
        return {name for name in self.rows if name is not None and not _names_audience(name)}

    def take_over(self, headcount: mirrors.Headcount) -> None:
        """Has them counted by the warehouse."""
        self._members.update(headcount.users)
        self._contacts = headcount.contacts

    def learn(self, destination_id: int, compared: Mapping[int, str], *, differences: int, complete: bool) -> None:
        """Counts with the help of a destination that was just compared: its differences are in `member_delta`.

        `compared` are the names of the audiences that were compared, by their ids. `complete`: neither the snapshot nor
        the state has any other audience, and contacts are addresses.
        """
        self.learnable = self.learnable or complete
        part = self.snapshot.part
        here = {"destination_id": destination_id}
        before = fetch_optional(self.connection, _Contacts, "show_contact_count", {**here, "run_id": self.run_id})
        if before is None or too_many(differences, sum(self.rows.values())):
            return
        if part is not None and part.headcount is not None:
            self._refuse_other_users(here, compared, part.headcount.users)
        unknown = [audience_id for audience_id, name in compared.items() if name not in self._members]
        if unknown:
            counted = fetch_all(self.connection, _Users, "count_users", {**here, "audience_ids": unknown})
            self._members.update((compared[row.audience_id], row.users) for row in counted)
        if complete and self._contacts is None:
            self._contacts = before.contacts + fetch_value(self.connection, "count_contact_shift")

    def _refuse_other_users(
        self, here: Mapping[str, object], compared: Mapping[int, str], counted: Mapping[str, int]
    ) -> None:
        """Raises unless the state and what changed make up the users that the warehouse has counted."""
        found = fetch_all(self.connection, _Users, "count_users", {**here, "audience_ids": list(compared)})
        other = [each for each in found if each.users != counted.get(compared[each.audience_id], 0)]
        if other:
            log.error("the warehouse has other users than its changes make up", audiences=len(other))
            raise NotEnoughError(
                f"the warehouse has other users in {len(other)} audiences than its changes make up: its table of the"
                " run before was wrong, or changes were missed"
            )

    def members(self, names: Iterable[str]) -> Mapping[str, int]:
        """Different user ids by audience name, of these audiences, where the snapshot names them."""
        unknown = [name for name in names if name in self.rows and name not in self._members]
        if unknown:
            counted = self.snapshot.fetch_all(self.connection, _Members, "count_members", {"names": unknown})
            self._members.update((row.audience, row.members) for row in counted)
        return self._members

    def headcount(self, names: Iterable[str]) -> mirrors.Headcount:
        """Both, for a plan with these audiences in its scope."""
        return mirrors.Headcount(self.members(names), self.contacts())

    def contacts(self) -> int:
        """Different contacts by email, also of rows that cannot be sent."""
        if self._contacts is None:
            self._contacts = self.snapshot.fetch_value(self.connection, "count_contacts")
        return self._contacts


def begin(connection: Connection, snapshot: Snapshot, run_id: int, last: checksums.Checksums | None = None) -> Counts:
    """Counts the rows of every audience, for the plan of this run, and adds them up where the `last` runs left sums.
    Those of a snapshot of which a part is staged were counted at the warehouse."""
    if snapshot.part is not None:
        part = Counts(connection, snapshot, run_id, snapshot.part.rows)
        if snapshot.part.headcount is not None:
            part.take_over(snapshot.part.headcount)
        return part
    last = last or checksums.NOTHING
    sums = checksums.Sums(connection, snapshot, last.key, last.groups)
    if last.kept:
        sums.add_up(last.groups_at_once)
    else:
        counted = snapshot.fetch_all(connection, _Rows, "count_rows_by_audience")
        sums.rows = {row.audience: row.rows for row in counted}
    nobody: dict[str | None, int] = dict.fromkeys(_taken_out(connection), 0) if snapshot.reduced else {}
    return Counts(connection, snapshot, run_id, {**nobody, **sums.rows}, sums)


def _taken_out(connection: Connection) -> Iterable[str | None]:
    return fetch_values(connection, "list_audiences_taken_out")


def too_many(differences: int, rows: int) -> bool:
    """Whether so many differences cost as much as all of these rows."""
    return differences > max(_FEW, _SHARE * rows)


def _names_audience(name: str) -> bool:
    """The rule of `skip_reason` for an audience: a name of blanks names nothing."""
    return name.strip(" \t\r\n\xa0") != ""
