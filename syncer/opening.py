"""What every command begins with: the settings of a file, and the state that they name. Knows of no warehouse."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from syncer import config, embedded, errors, naming
from syncer.state import State, migrations


def load(path: Path, environ: Mapping[str, str]) -> config.Settings:
    """The settings of a file, with the names of its audiences checked as far as that needs no state."""
    return config.load(path, environ, naming.configuration_problems)


def load_to_check(path: Path, environ: Mapping[str, str]) -> config.Settings:
    """The same, but bad names are left to `checking.problems`, so that they are listed with what that finds."""
    try:
        return load(path, environ)
    except errors.ConfigError as error:
        try:
            return config.load(path, environ)
        except errors.ConfigError:
            raise error from None


@contextmanager
def opened_state(settings: config.Settings) -> Iterator[State]:
    """The state: a server by URL, or the embedded one, which is started and migrated by itself."""
    conninfo = settings.state.conninfo()
    if conninfo is not None:
        yield State(conninfo.get_secret_value(), settings.state.schema_name)
        return
    with embedded.running(settings.state.data_dir) as url:
        state = State(url, settings.state.schema_name, embedded=True)
        migrations.migrate(state)
        yield state


@contextmanager
def opened_origin(origin: str, settings: config.Settings, environ: Mapping[str, str]) -> Iterator[State]:
    """Another state, to be moved from: a URL, or the folder of an embedded one, which has to be there already.

    It is not migrated, so that it can be gone back to.
    """
    schema = settings.state.schema_name
    if "://" in origin or origin.startswith("${"):
        yield State(config.other_state("--from", origin, environ).get_secret_value(), schema)
        return
    folder = Path(origin)
    problem = "is neither a PostgreSQL URL nor a folder with an embedded state (`state.data_dir`)"
    try:
        is_there = embedded.exists(folder)
    except OSError as error:
        is_there, problem = False, f"{problem}: {error.strerror}"
    if not is_there:
        raise errors.ConfigError([errors.Problem("--from", f"{str(folder)!r} {problem}")])
    with embedded.running(folder) as url:
        yield State(url, schema)


def embedded_caveat(version: str) -> str:
    """What to say of an embedded PostgreSQL of this version."""
    return (
        f"the embedded PostgreSQL is {version}, which came with the installation and gets no updates of its own; in"
        " production use a server of yours (`state.url`)"
    )
