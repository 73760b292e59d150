"""Turns the configuration file into settings, or into every problem that it has.

Opens no connection, and does not know how a property is named (`syncer.naming`). `config.example.toml` says what every
key means.
"""

import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import SecretStr, ValidationError

from syncer import errors, fields, models, owners
from syncer.config import rules, source
from syncer.config.serving import Console
from syncer.config.settings import Alerts, Audience, ComputedTrait, Settings, State

__all__ = ["Alerts", "AudienceCheck", "Console", "Settings", "State", "caveats", "load", "load_alerts", "other_state"]


AudienceCheck = Callable[[Sequence[models.ConfiguredAudience]], Sequence[errors.Problem]]


def load(path: Path, environ: Mapping[str, str], check_audiences: AudienceCheck | None = None) -> Settings:
    """The settings in the file at `path`. Raises `ConfigError` with every problem at once.

    `check_audiences` is asked what is wrong with the audiences, also where the rest of the file is wrong.
    """
    folder = path.absolute().parent
    written = source.read(path)
    tree, not_expanded = source.expand(written, environ, folder)
    settings, invalid = _validated(tree, written, folder)

    found = list(not_expanded)
    found += _apart_from(found, invalid)
    found += _apart_from(found, rules.between_keys(tree))
    misnamed = check_audiences(_readable_audiences(tree)) if check_audiences else ()
    if settings is None or found or misnamed:
        problems = [errors.Problem(rules.path_of(location), message) for location, message in found]
        problems += [problem for problem in misnamed if problem.path not in {known.path for known in problems}]
        raise errors.ConfigError(sorted(problems, key=lambda problem: problem.path))
    return settings


def caveats(path: Path, settings: Settings) -> list[str]:
    """What other accounts may do with the file at `path`, of which these are the settings."""
    text = path.read_text(encoding="utf-8")
    found = []
    if owners.everybodys(path):
        found.append("every account of this machine may change it: chmod o-w")
    is_read = path.stat().st_mode & stat.S_IROTH
    secrets = (each for each in fields.secrets_in(settings.model_dump()) if "{{" not in each)  # no template is one
    if is_read and any(secret in text for secret in secrets):
        found.append("every account of this machine may read it, with the secret that it holds: chmod o-r, or ${NAME}")
    return found


def load_alerts(path: Path, environ: Mapping[str, str]) -> Alerts | None:
    """Where alerts go, whatever else is wrong in the file; None if that cannot be read."""
    try:
        written = source.read(path).get("alerts", {})
        tree, not_expanded = source.expand(written, environ, path.absolute().parent)
        return None if not_expanded else Alerts.model_validate(tree)
    except (errors.ConfigError, ValidationError):
        return None


def other_state(place: str, url: str, environ: Mapping[str, str]) -> SecretStr:
    """Another state's URL as psycopg's connection string. `${NAME}` keeps its password off the command line.

    Raises `ConfigError` that names `place` and does not repeat the URL.
    """
    tree, missing = source.expand({"url": url}, environ, Path.cwd())
    try:
        conninfo = State.model_validate(tree).conninfo() if not missing else None
    except ValidationError as error:
        missing = [rules.in_words(details, {"url": url}) for details in error.errors(include_url=False)]
        conninfo = None
    if conninfo is None:
        raise errors.ConfigError([errors.Problem(place, message) for _, message in missing])
    return conninfo


def _readable_audiences(tree: dict[str, Any]) -> list[models.ConfiguredAudience]:
    """The audiences and computed traits that are well formed by themselves, whatever else is wrong."""
    readable: list[models.ConfiguredAudience] = []
    for kind, table_type in (("audiences", Audience), ("computed_traits", ComputedTrait)):
        tables = tree.get(kind)
        for index, table in enumerate(tables if isinstance(tables, list) else []):
            try:
                named = table_type.model_validate(table)
            except ValidationError:
                continue
            readable.append(models.ConfiguredAudience(f"{kind}[{index}]", named.name, named.property))
    return readable


def _validated(
    tree: dict[str, Any], written: dict[str, Any], folder: Path
) -> tuple[Settings | None, list[source.Finding]]:
    """Returns what is wrong instead of raising: pydantic's error holds the values, also the secret ones."""
    try:
        return Settings.model_validate(tree, context={"folder": folder}), []
    except ValidationError as error:
        return None, [rules.in_words(details, written) for details in error.errors(include_url=False)]


def _apart_from(found: Sequence[source.Finding], findings: Iterable[source.Finding]) -> list[source.Finding]:
    """Leaves out what is at or below a place that has a finding already: it would only follow from that."""
    places = {location for location, _ in found}
    return [
        (location, message)
        for location, message in findings
        if not any(location[:length] in places for length in range(len(location) + 1))
    ]
