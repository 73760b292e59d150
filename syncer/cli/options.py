"""The options that several commands have, and what those before the command say."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

DEFAULT_CONFIG = "syncer.toml"


@dataclass(slots=True)
class Session:
    """What the options before the command say."""

    config: Path | None = None
    verbose: bool = False


def config_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--config` may stand before or after the command; after wins."""

    def remember(context: click.Context, _parameter: click.Parameter, value: Path | None) -> None:
        if value is not None:
            context.ensure_object(Session).config = value

    return click.option(
        "--config",
        type=click.Path(path_type=Path, dir_okay=False),
        expose_value=False,
        callback=remember,
        help=f"The configuration file; else $SYNCER_CONFIG, else ./{DEFAULT_CONFIG}.",
    )(command)


class _Text(click.ParamType[str]):
    """Text that a database takes: what the shell handed over may be any bytes."""

    name = "text"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The value, if it is text."""
        if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
            self.fail(f"{value!r} is not valid text", param, ctx)
        return value


TEXT = _Text()
_MOST = 1_000_000
"""What is listed at most."""

yes_option = click.option("--yes", is_flag=True, help="Do not ask.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")
audience_option = click.option(
    "--audience", "audiences", type=TEXT, multiple=True, help="Only this audience; may be repeated."
)
destination_option = click.option(
    "--destination", "destinations", type=TEXT, multiple=True, help="Only this destination; may be repeated."
)


def limit_option(what: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`--limit`, for a command that lists."""
    return click.option("--limit", type=click.IntRange(min=1, max=_MOST), default=20, show_default=True, help=what)
