"""Any database that `mirror_dialects` knows as a warehouse that keeps the snapshot of the last run.

`mirror_reading` says how its tables are made and compared.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager

from syncer import errors, mirrors, models
from syncer.addresses import Address
from syncer.warehouses import base, generic, mirror, mirror_dialects
from syncer.warehouses.mirror_reading import GenericMirror, sums_name, table_name


class GenericMirrors(generic.GenericWarehouse):
    """See `mirrors.Mirrors`."""

    def __init__(self, address: Address, connect_args: Mapping[str, object], waits: models.Waits, scratch: str) -> None:
        super().__init__(address, connect_args, waits)
        self._facts = mirror_dialects.FACTS[address.backend]
        self.scratch, self.place = scratch, self._words.place

    def names(self, table: str, sources: Sequence[models.Source]) -> Sequence[str]:
        """See `mirrors.Mirrors`."""
        places = range(len(sources))
        sums = [sums_name(table, index, number) for index in places for number in range(2)]
        return [*(table_name(table, index) for index in places), *sums]

    @contextmanager
    def opened(self, sources: Sequence[models.Source], key: int) -> Iterator[mirrors.Mirror]:
        """See `mirrors.Mirrors`."""
        with self._mirror(sources, self.scratch, key) as opened:
            yield opened

    def drop(self, scratch: str, tables: Sequence[str]) -> Sequence[str]:
        """See `mirrors.Mirrors`."""
        with self._mirror([mirror.PROBE], scratch) as opened:
            return [table for table in tables if opened.drop(table)]

    def scratch_problems(self, sources: Sequence[models.Source]) -> list[str]:
        """See `mirrors.Mirrors`. Nothing can be undone here: what is tried has names of its own, and is dropped."""
        names = [mirror.probe_name(), mirror.probe_name()]
        try:
            with self._mirror(sources, self.scratch) as opened:
                opened.look_at_sources()
            try:
                for name, probe in zip(names, (mirror.PROBE, mirror.OTHER_PROBE), strict=True):
                    with self._mirror([probe], self.scratch) as tried:
                        tried.create(name)
                with self._mirror([mirror.PROBE], self.scratch) as tried:
                    found = [*mirror.complaints(tried, names[0]), *_missed(tried, *names)]
            finally:
                made = [table for name in names for table in self.names(name, [mirror.PROBE])]
                left = set(made) - set(self.drop(self.scratch, made))
        except errors.WarehouseError as exc:
            return [base.problem("warehouse.scratch", exc)[1]]
        return [*found, *(f"the table {name} was made there and cannot be dropped" for name in sorted(left))]

    @contextmanager
    def _mirror(self, sources: Sequence[models.Source], scratch: str, key: int = 0) -> Iterator[GenericMirror]:
        facts = self._facts.keyed(key)
        opened = GenericMirror(self._engine, self._words, self._waits, sources=sources, scratch=scratch, facts=facts)
        with closing(opened):
            opened.begin()
            yield opened


def _missed(tried: GenericMirror, now: str, before: str) -> list[str]:
    """What is wrong with how a database finds the changes between two tables of probes."""
    rows = tried.rows(now)
    if tried.seal(now, rows) == tried.seal(before, rows):
        return ["this database adds up different texts to the same, so nobody would see that something changed"]
    streams = tried.moved(now, before, rows)
    if {row.audience for stream in streams for row in stream.rows} == mirror.CHANGED:
        return []
    return ["this database finds other changes than there are between two tables"]
