"""Paths that are rare, and that a long random run has to have come to: a test that never gets there shows nothing.

They are seen from outside: in the state before and after a run, in what the receiver was sent, in the warehouse's rows.
"""

from collections import Counter
from collections.abc import Collection


class Sometimes:
    """How often each of these paths was reached."""

    def __init__(self, paths: Collection[str]) -> None:
        self.reached: Counter[str] = Counter(dict.fromkeys(paths, 0))

    def saw(self, path: str, times: int = 1) -> None:
        """The path was reached so often; the name of one that nobody registered is a mistake."""
        if path not in self.reached:
            raise KeyError(path)
        self.reached[path] += times

    def never(self, paths: Collection[str]) -> set[str]:
        """Those of the paths that were not reached."""
        return {path for path in paths if not self.reached[path]}

    def __str__(self) -> str:
        return ", ".join(f"{path}: {times}" for path, times in sorted(self.reached.items()))
