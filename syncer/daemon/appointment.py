"""When a destination is to be asked what it believes: apart from `reconciler`, for a run asks none."""

from dataclasses import dataclass

from syncer.planning.targets import Target


@dataclass(frozen=True, slots=True)
class Appointment:
    """A destination, how often it is asked (in seconds), and about how many contacts."""

    target: Target
    every: float
    sample: int
