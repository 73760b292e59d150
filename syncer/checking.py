"""What `syncer check` finds: what is wrong, what would be better, what would be sent. Nothing is told to anybody."""

from collections.abc import Sequence
from contextlib import suppress

from syncer import errors, models, naming, warehouses
from syncer.app import App
from syncer.destinations import samples
from syncer.encryption import clear_text
from syncer.opening import embedded_caveat
from syncer.planning import generations
from syncer.planning.forecast import Letter, letters
from syncer.state import Connection, accounts, migrations, status, witness
from syncer.state.audiences import known_audiences


def problems(app: App) -> list[errors.Problem]:
    """What `syncer check` finds: connections, rights, schema, names; every problem at once."""
    sources = [*app.settings.sources, *app.settings.suppression]
    found = [errors.Problem(path, message) for path, message in app.warehouse.problems(sources)]
    found += _guard_problems(app)
    if app.mirrors is not None:
        found += [
            errors.Problem("warehouse.scratch", message)
            for message in app.mirrors.scratch_problems(app.settings.sources)
        ]
    found += _state_problems(app)
    for index, destination in enumerate(app.destinations):
        found += [errors.Problem(f"destinations[{index}]", message) for message in destination.problems()]
    return found


def sample_letters(app: App, audience: str) -> list[tuple[str, str, Letter]]:
    """What each destination would send about nobody: its name, the kind of call, and the request."""
    chosen = {each.name: each.property for each in app.settings.configured_audiences}.get(audience)
    property_ = chosen or naming.property_of(audience)
    membership = app.settings.warehouse.membership
    traits = dict.fromkeys(membership.traits.values() if membership else (), 'a "sample"')
    return [
        (destination.name, kind, letter)
        for destination, configured in zip(app.destinations, app.settings.destinations, strict=True)
        for kind, calls in samples.calls_of(configured.sync_mode, audience, property_, traits).items()
        for letter in letters(destination, calls)
    ]


def caveats(app: App, problems: Sequence[errors.Problem]) -> list[errors.Problem]:
    """What `syncer check` says that is not wrong: what would be better, and what is only known here.

    `problems` are what it found wrong.
    """
    found = [errors.Problem("warehouse.url", said) for said in app.warehouse.caveats()]
    found += _suppression_caveats(app)
    with suppress(errors.StateError), app.state.connect("check") as connection:  # one of its problems
        host = connection.info.hostaddr or connection.info.host
        exposed = clear_text(host, encrypted=connection.pgconn.ssl_in_use)
        found += [errors.Problem("state.url", exposed)] if exposed else []
        found += [errors.Problem("state", embedded_caveat(status.version(connection)))] if app.state.embedded else []
        found += _scratch_caveats(app, connection, problems)
        found += _left_elsewhere(app, connection)
    for index, destination in enumerate(app.destinations):
        found += [errors.Problem(f"destinations[{index}]", said) for said in destination.caveats()]
    unnoticed = witness.caveat()
    return [*found, *([errors.Problem("state", unnoticed)] if unnoticed else [])]


def _suppression_caveats(app: App) -> list[errors.Problem]:
    """How long each list of the suppressed is."""
    found = []
    with suppress(errors.WarehouseError, errors.ConfigError):  # one of its problems
        for source in app.settings.suppression:
            with app.warehouse.reading([source]) as reading:
                stream = reading.stream(source)
                for _ in stream.blocks if isinstance(stream, models.CopyStream) else stream.rows:
                    pass
                found.append(errors.Problem(source.path, f"{reading.rows_read():,} rows name whoever is suppressed"))
    return found


def _scratch_caveats(app: App, connection: Connection, problems: Sequence[errors.Problem]) -> list[errors.Problem]:
    if any(problem.path == "warehouse.scratch" for problem in problems):
        return [errors.Problem("warehouse.scratch", "runs read everything until what is wrong there is put right")]
    try:
        targets, exclusions = app.job().targets, app.settings.exclusions
        why = generations.why_whole(connection, app.warehouse, app.settings.sources, targets, exclusions)
    except errors.WarehouseError:  # one of its problems
        return []
    if app.mirrors is None:
        if why == generations.IN_PLACE:
            return []
        why = warehouses.why_no_mirrors(app.settings.warehouse.url.get_secret_value()) or "it is not set"
    words = "runs read what changed since the run before" if why is None else f"runs read everything: {why}"
    return [errors.Problem("warehouse.scratch", words)]


def _left_elsewhere(app: App, connection: Connection) -> list[errors.Problem]:
    """Tables with members of which no run takes care: the configuration has another address by now, or no `scratch`."""
    try:
        migrations.check(connection, app.state.schema)
    except errors.SchemaVersionError:  # one of its problems
        return []
    place = None if app.mirrors is None else app.mirrors.place
    return [
        errors.Problem(
            "warehouse.scratch",
            f"tables with the rows of members were left in the {where}, where no run drops them by now:"
            f" {', '.join(names)}; drop them there, or let a run do it, with that address and a `scratch`",
        )
        for where, names in generations.elsewhere(connection, place).items()
    ]


def _guard_problems(app: App) -> list[errors.Problem]:
    ready = app.settings.guard.limits.ready
    if ready is None:
        return []
    try:
        with app.warehouse.reading() as reading:
            reading.answer(ready)
    except errors.WarehouseError as error:
        path, _, message = str(error).partition(": ")
        if path == "guard.ready":  # what else is wrong is among the problems of the warehouse
            return [errors.Problem(path, message)]
    except errors.ConfigError:  # one of them
        return []
    return []


def _state_problems(app: App) -> list[errors.Problem]:
    try:
        with app.state.connect("check") as connection:
            migrations.check(connection, app.state.schema)
            migrations.refuse_read_only(connection)
            known = known_audiences(connection)
            changed = accounts.refused(connection, app.destinations).values()
            return [
                *naming.configuration_problems(app.settings.configured_audiences, known),
                *(problem for error in changed for problem in error.problems),
            ]
    except (errors.StateError, errors.SchemaVersionError) as error:
        names = naming.configuration_problems(app.settings.configured_audiences)
        return [errors.Problem("state.url", str(error)), *names]
