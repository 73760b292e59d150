"""How many users an audience has and how many contacts there are in a snapshot, as a rule without counting them there.

Telling different users apart costs about as much as comparing. But who is in the snapshot is who was in the state,
and the differences, which the plan has found anyway: so a plan counts only the differences. A run of which all was
accepted leaves the destination with who was in the snapshot; any other counts what it did to the state. What cannot be
had that way is counted in the snapshot.
"""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field

from syncer.planning.snapshot import Snapshot
from syncer.state import Connection, execute, fetch_value

# Of more differences than that, and than this share of the snapshot's rows, counting costs as much as of the snapshot.
_FEW = 10_000
_SHARE = 0.2


@dataclass(slots=True)
class Counts:
    """What is known of a snapshot: `rows` by audience name (None: rows that name no audience).

    `totals`, if they were added up, are the sums of the rows' hashes (see `syncer/unmoved.py`).
    """

    connection: Connection
    snapshot: Snapshot
    run_id: int
    rows: Mapping[str | None, int]
    totals: Mapping[str | None, int] | None = None
    _members: dict[str, int] = field(default_factory=dict)
    _contacts: int | None = None

    @property
    def names(self) -> Set[str]:
        """The audiences that rows name."""
        return {name for name in self.rows if name is not None and _names_audience(name)}

    @property
    def nameless(self) -> Set[str]:
        """What rows say that names no audience."""
        return {name for name in self.rows if name is not None and not _names_audience(name)}

    def add_up(self) -> Mapping[str | None, int]:
        """The sums of the rows' hashes by audience name, from the snapshot unless they are known."""
        if self.totals is None:
            _, self.totals = _add_up(self.connection, self.snapshot)
        return self.totals

    def learn(self, destination_id: int, read: Mapping[int, str], *, differences: int, complete: bool) -> None:
        """Counts by the differences (that many) of the snapshot from what this destination has, in `member_delta`.

        `read` are the audiences that were compared, by their ids. `complete`: neither side has any other, and contacts
        are addresses.
        """
        here = {"destination_id": destination_id}
        told = execute(self.connection, "show_contact_count", {**here, "run_id": self.run_id}).fetchone()
        if told is None or differences > max(_FEW, _SHARE * sum(self.rows.values())):
            return
        unknown = [audience_id for audience_id, name in read.items() if name not in self._members]
        if unknown:
            counted = execute(self.connection, "count_users", {**here, "audience_ids": unknown})
            self._members.update((read[row.audience_id], row.users) for row in counted)
        if complete and self._contacts is None:
            self._contacts = told.contacts + fetch_value(self.connection, "count_contact_shift")

    def members(self, names: Iterable[str]) -> Mapping[str, int]:
        """Different user ids by audience name, of these that the snapshot names."""
        unknown = [name for name in names if name in self.rows and name not in self._members]
        if unknown:
            counted = self.snapshot.read(self.connection, "count_members", {"names": unknown})
            self._members.update((row.audience, row.members) for row in counted)
        return self._members

    def contacts(self) -> int:
        """Different contacts by email, also of rows that cannot be sent."""
        if self._contacts is None:
            self._contacts = self.snapshot.read(self.connection, "count_contacts", {}).fetchall()[0].contacts
        return self._contacts


def begin(connection: Connection, snapshot: Snapshot, run_id: int, *, totals: bool) -> Counts:
    """Counts the rows of every audience, for the plan of this run, and adds them up if `totals` are wanted."""
    if totals:
        return Counts(connection, snapshot, run_id, *_add_up(connection, snapshot))
    rows = {row.audience: row.rows for row in snapshot.read(connection, "count_rows_by_audience", {})}
    return Counts(connection, snapshot, run_id, rows)


def _add_up(connection: Connection, snapshot: Snapshot) -> tuple[Mapping[str | None, int], Mapping[str | None, int]]:
    """Rows and sums by audience name, in one pass."""
    found = snapshot.read(connection, "add_up_rows", {}).fetchall()
    return {row.audience: row.rows for row in found}, {row.audience: int(row.total) for row in found}


def _names_audience(name: str) -> bool:
    """The rule of `skip_reason` for an audience: a name of blanks names nothing."""
    return name.strip(" \t\r\n\xa0") != ""
