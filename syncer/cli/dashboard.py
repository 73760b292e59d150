"""How `syncer status` looks."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TypeVar

from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from syncer import opening
from syncer.cli import screen
from syncer.state.freshness import Freshness
from syncer.state.status import CurrentStatus, Progress

Row = TypeVar("Row")


def show(status: CurrentStatus) -> None:
    """Prints the status once."""
    screen.stdout.print(_render(status))


@contextmanager
def repeated() -> Iterator[Callable[[CurrentStatus], None]]:
    """Gives a function that shows the status: on a terminal always in the same place, elsewhere one after the other."""
    if not screen.stdout.is_terminal:
        yield show
        return
    with Live(console=screen.stdout, auto_refresh=False) as live:
        yield lambda status: live.update(_render(status), refresh=True)


def _render(status: CurrentStatus) -> RenderableType:
    return Group(
        *_leader(status),
        *([screen.words(f"late: {status.late}", style="red")] if status.late else []),
        *([screen.words(f"full: {status.full}", style="red")] if status.full else []),
        screen.words(f"state: {_server(status)}", style="dim"),
        *_running(status.running),
        _table(
            status.destinations,
            (
                "name",
                "last_success",
                "oldest_pending",
                "held",
                "refused",
                "parked",
                "uncertain",
                "left_uncertain",
                "skipped",
            ),
            lambda each: [
                each.name,
                _ago(each.last_success_at, status.asked_at) or "never",
                _span(each.oldest_pending_seconds) or "nothing",
                *(
                    f"{count:,}" if count else ""
                    for count in (
                        *(each.held, each.refused, each.parked),
                        *(each.uncertain, each.left_uncertain, each.skipped),
                    )
                ),
            ],
        ),
        *(
            screen.words(f"{each.name} stopped: {each.error}", style="red")
            for each in status.destinations
            if each.error
        ),
        screen.words(),
        _table(
            status.audiences,
            ("audience", "property", "destination", "standing", "members"),
            lambda each: [
                each.audience,
                each.property,
                each.destination,
                each.standing,
                "" if each.members is None else f"{each.members:,}",
            ],
        ),
        *_promises(status.freshness),
    )


def _promises(freshness: Sequence[Freshness]) -> Iterator[RenderableType]:
    if freshness:
        yield screen.words()
        yield _table(
            freshness,
            ("audience", "fresh_within", "is", "at", "kept in 30 days"),
            lambda each: [
                each.audience,
                _span(each.fresh_within_seconds),
                f"{_span(each.age_seconds) or '0 s'} old{', broken' if each.is_broken else ''}",
                f"{each.destination}{', paused' if each.paused else ''}",
                f"{each.kept_share:.2%}",
            ],
        )


def _server(status: CurrentStatus) -> str:
    return opening.embedded_caveat(status.postgresql) if status.embedded else f"PostgreSQL {status.postgresql}"


def _leader(status: CurrentStatus) -> Iterator[Text]:
    leader = status.leader
    if leader is None:
        yield screen.words("nobody leads: no daemon runs, and no command syncs")
        return
    what = "a daemon leads" if leader.kind == "daemon" else "a command syncs"
    yield screen.words(f"{what}: host {leader.host}, pid {leader.pid}, for {_ago(leader.since, status.asked_at)}")
    if status.next_due_at is not None:
        left = (status.next_due_at - status.asked_at).total_seconds()
        yield screen.words(f"the next run is due {'in ' + (_span(left) or '0 s') if left > 0 else 'now'}")


def _running(running: Progress | None) -> Iterator[Text]:
    if running is None:
        yield screen.words()
        return
    words = [f"run {running.run_id} ({running.trigger}): {running.phase}"]
    if running.phase == "planned":
        words.append(f"{running.settled:,} of {running.planned:,} told")
    if running.rate is not None:
        words.append(f"{running.rate:,.0f} a second, {_span(running.seconds_left) or '0 s'} left")
    yield screen.words(", ".join(words), style="cyan")
    yield screen.words()


def _table(rows: Sequence[Row], headings: Sequence[str], cells: Callable[[Row], Sequence[str]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(screen.words(cell) for cell in cells(row)))
    return table


def _ago(moment: datetime | None, now: datetime) -> str:
    return "" if moment is None else _span((now - moment).total_seconds()) or "0 s"


def _span(seconds: float | None) -> str:
    """The two largest units; empty for nothing."""
    if seconds is None:
        return ""
    left, parts = int(seconds), []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])
