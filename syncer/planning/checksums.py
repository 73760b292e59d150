"""Audiences that did not move are not compared: their rows add up to what they did when nothing of them differed.

A run leaves a fingerprint with its counts of an audience at a destination (`run_count.fingerprint`) if not one
difference was found there, or none was looked for because the fingerprint before was the same. Whatever is told of an
audience was planned first, by a run that found a difference and so left none; only forgetting works beside the plan,
and takes them all away. So a fingerprint that the last run left says that the state of the audience is what it was
then. Where something is due again, or the settings or the version changed, the audience is compared all the same.

Two sets of rows that differ have the same count and the same sum of 64 bits by chance once in some 10^19 comparisons.
A preview compares everything, and so does `syncer verify`.

Adding up costs about a tenth of comparing, and is left out where most audiences moved last time: it would be for
nothing.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from syncer.state import Connection, execute


@dataclass(frozen=True, slots=True)
class Checksums:
    """What the last run left of every audience, by destination and audience: its fingerprint, or None."""

    left: Mapping[tuple[int, int], str | None]

    @property
    def pays(self) -> bool:
        """Whether most audiences did not move last time."""
        return most(sum(fingerprint is not None for fingerprint in self.left.values()), len(self.left))

    def unmoved(self, destination_id: int, fingerprints: Mapping[int, str]) -> Collection[int]:
        """Of these audiences those that are as the last run left them."""
        return [key for key, now in fingerprints.items() if self.left.get((destination_id, key)) == now]


def recall(connection: Connection, destination_ids: Collection[int]) -> Checksums:
    """What the last run that planned for each of these destinations left."""
    rows = execute(connection, "list_fingerprints", {"destination_ids": list(destination_ids)})
    return Checksums({(row.destination_id, row.audience_id): row.fingerprint for row in rows})


def fingerprint(rows: int, total: int, reading: str) -> str:
    """Stands for so many rows that add up to so much, read under these settings."""
    return f"{rows} {total} {reading}"


def moved(connection: Connection) -> Collection[int]:
    """The audiences of which the comparison found something, at the destination that is being planned."""
    return {row.audience_id for row in execute(connection, "list_moved")}


def most(some: int, of_all: int) -> bool:
    """Whether some are most of all."""
    return 2 * some > of_all
