"""Audiences whose rows have not changed are not compared again: a checksum of the rows tells.

A run leaves a fingerprint with its counts of an audience at a destination (`run_count.fingerprint`) if it found no
difference there, or looked for none because the fingerprint before was the same. Whatever changes the state of an
audience was planned first, by a run that found a difference and so left no fingerprint; only forgetting works beside
the plan, and deletes all fingerprints. So a fingerprint that the last run left says that the state of the audience is
still what it was then. An audience of which something is due again is compared all the same, and so is every audience
after the settings or the version changed.

Two sets of rows that differ have the same count and the same sum of 64 bits by chance once in some 10^19 comparisons.
A preview compares everything, and so does `syncer verify`.

Adding up costs about a tenth of comparing, and is left out where most audiences changed last time.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from syncer.state import Connection, fetch_all


@dataclass(frozen=True, slots=True)
class Checksums:
    """What the last run left of every audience, by destination and audience: its fingerprint, or None."""

    left: Mapping[tuple[int, int], str | None]

    @property
    def worthwhile(self) -> bool:
        """Whether adding up is likely to save work: most audiences were unchanged last time."""
        return most(sum(fingerprint is not None for fingerprint in self.left.values()), len(self.left))

    def unchanged(self, destination_id: int, fingerprints: Mapping[int, str]) -> Collection[int]:
        """Of these audiences those that are as the last run left them."""
        return [key for key, now in fingerprints.items() if self.left.get((destination_id, key)) == now]


class _Left(NamedTuple):
    destination_id: int
    audience_id: int
    fingerprint: str | None


class _Changed(NamedTuple):
    audience_id: int


def recall(connection: Connection, destination_ids: Collection[int]) -> Checksums:
    """What the last run that planned for each of these destinations left."""
    rows = fetch_all(connection, _Left, "list_fingerprints", {"destination_ids": list(destination_ids)})
    return Checksums({(row.destination_id, row.audience_id): row.fingerprint for row in rows})


def fingerprint(rows: int, total: int, reading: str) -> str:
    """Of `rows` rows whose hashes add up to `total`, read under the settings that `reading` is a digest of."""
    return f"{rows} {total} {reading}"


def changed(connection: Connection) -> Collection[int]:
    """The audiences of which the comparison found something, at the destination that is being planned."""
    return {row.audience_id for row in fetch_all(connection, _Changed, "list_changed")}


def most(some: int, of_all: int) -> bool:
    """Whether some are most of all."""
    return 2 * some > of_all
