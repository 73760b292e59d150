"""What each page says: from the state at one moment, as plain values. A page and its JSON are the same view."""

from syncer.state import Connection, execute

MOST = 100_001
"""Counting ends here: what is more is shown as more than 100,000."""

RUNS_OF_A_CHART = 90


def begin(connection: Connection) -> None:
    """Begins to look at one moment, inside of a transaction that is the page's own."""
    execute(connection, "limit_page")
