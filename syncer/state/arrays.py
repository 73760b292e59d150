"""Arrays among the parameters of a statement: written in one go.

The driver writes element by element, which took 0.18 s of processor of a run with 5,000 audiences.
"""

from typing import Any

from psycopg.types.array import ListDumper

_BETWEEN = "\0"
"""No text of PostgreSQL holds it."""


class ArrayDumper(ListDumper):
    """Writes what the driver writes, of a list of texts, of whole numbers or of truth values."""

    def dump(self, obj: list[Any]) -> Any:
        kinds = set(map(type, obj))
        if kinds == {str}:
            joined = _BETWEEN.join(obj)
            if joined.count(_BETWEEN) == len(obj) - 1:
                escaped = joined.replace("\\", "\\\\").replace('"', '\\"')
                return ('{"' + escaped.replace(_BETWEEN, '","') + '"}').encode()
        elif kinds in ({int}, {bool}):
            return ("{" + ",".join(map(str, obj)) + "}").encode()
        return super().dump(obj)
