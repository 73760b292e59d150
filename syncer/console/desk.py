"""What a console keeps between two requests: where lists were left, and what is asked of the warehouse."""

from dataclasses import dataclass

from syncer.console.errands import Errands
from syncer.console.places import Places


@dataclass(frozen=True, slots=True)
class Desk:
    """See the classes."""

    places: Places
    errands: Errands
