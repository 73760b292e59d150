"""How long requests took, for the daemon's metrics. Imported with the first request: many runs send none."""

from prometheus_client import Histogram

REQUEST_SECONDS = Histogram(
    "syncer_request_seconds",
    "How long requests of this process took, answered or not",
    ["destination"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
    registry=None,  # the health server registers it
)
