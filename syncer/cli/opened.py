"""Everything that the settings name, for the commands that need more of it than the state."""

from collections.abc import Iterator
from contextlib import contextmanager

from syncer import app
from syncer.cli.options import Session
from syncer.cli.session import load_settings


@contextmanager
def opened_app(session: Session) -> Iterator[app.App]:
    """Everything that the settings name."""
    with app.opened(load_settings(session)) as opened:
        yield opened
