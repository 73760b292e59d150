"""Questions to a state with a long history: the database time of each command, page and example, and what it holds.

    .venv/bin/python -m tests.bench.history --runs 5000 --changes 50000000 --work FOLDER

Fills the state up to that many runs (what is there stays, so that it can be filled in steps), asks each question a few
times, and takes the median of what PostgreSQL's log says.
"""

import json
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path

import click
from rich.console import Console as Screen
from rich.table import Table

from syncer import app, opening
from syncer.console.site import Console
from syncer.web import WebServer
from tests.bench import holding, ours, past, server, warehouse
from tests.bench.contestants import Place
from tests.bench.server import Server
from tests.bench.statements import Asked, Log

BAR = 100.0
"""Milliseconds of database time that a question may take."""

_FRESH = """
[[audiences]]
name = "Audience 007"
fresh_within = "6h"
[console]
"""

screen = Screen(stderr=True)

Question = tuple[str, Callable[[], object]]


def pages(last_run: int, who: str) -> Sequence[str]:
    """The console's pages, as JSON: those that a scheduler or a browser asks for, in all of their forms."""
    here = "destination=segment"
    of_run = (f"/runs/{last_run}/{word}.json?{here}" for word in ("accepted", "refused", "unanswered", "unsent"))
    standing = (
        f"/lists/{word}.json?{here}" for word in ("members", "held", "refused", "parked", "uncertain", "skipped")
    )
    return (
        "/now.json", "/runs.json", f"/runs.json?audience=audience_007&{here}", "/runs.json?status=failed",
        "/runs.json?since=2020-01-01&until=2020-01-02", f"/runs.json?before={last_run // 2}",
        f"/runs/{last_run}.json", f"/runs/{last_run // 2}.json", "/audiences/audience_007.json", "/destinations.json",
        f"/person.json?who={who}", f"/person.json?who=person{int(who[1:])}@example.com", *of_run,
        f"/runs/{last_run}/accepted.json?{here}&audience=audience_007", *standing,
        f"/lists/members.json?{here}&audience=audience_007", f"/lists/members.json?{here}&told_before=2",
        f"/lists/held.json?{here}&audience=audience_001",
    )  # fmt: skip


# What the documents suggest to people, and what they will try next.
EXAMPLES = {
    "membership of a contact": "SELECT audience, entered_at, exited_at FROM audience_membership_history"
    " WHERE contact = '{contact}' ORDER BY entered_at",
    "membership of a user": "SELECT * FROM audience_membership_history WHERE user_id = '{user}' ORDER BY entered_at",
    "changelog of a contact": "SELECT * FROM sync_changelog WHERE contact = '{contact}' ORDER BY run_id DESC LIMIT 100",
    "changelog of a run": "SELECT * FROM sync_changelog WHERE run_id = {run} LIMIT 1000",
    "refusals of a run": "SELECT contact, failure_reason FROM sync_changelog"
    " WHERE run_id = {run} AND status = 'failed'",
    "latest changes": "SELECT * FROM sync_changelog ORDER BY run_id DESC LIMIT 100",
    "changes of the latest runs": "SELECT * FROM sync_changelog"
    " WHERE run_id > (SELECT max(run_id) - 10 FROM sync_runs) ORDER BY run_id DESC LIMIT 100",
    "counts of an audience": "SELECT run_id, members, num_succeeded_add FROM sync_run_counts"
    " WHERE audience = 'Audience 007' ORDER BY run_id DESC LIMIT 100",
    "counts of a run": "SELECT * FROM sync_run_counts WHERE run_id = {run}",
    "destinations of the latest runs": "SELECT * FROM sync_run_destinations ORDER BY run_id DESC LIMIT 100",
    "latest runs": "SELECT * FROM sync_runs ORDER BY run_id DESC LIMIT 100",
    "held": "SELECT * FROM held_changes",
    "refused": "SELECT * FROM refused_contacts",
    "skipped": "SELECT * FROM skipped_members",
    "held out now": "SELECT * FROM held_out_members WHERE until IS NULL",
    "actions": "SELECT * FROM operator_actions ORDER BY at DESC LIMIT 100",
    "reconciliations": "SELECT * FROM reconciliations ORDER BY reconciliation_id DESC LIMIT 100",
}


@contextmanager
def questions(server_: Server, configuration: Path, memberships: int) -> Iterator[list[Question]]:
    """All questions, and the console that answers some of them."""
    last_run = int(str(server_.run("SELECT max(run_id) FROM syncer.run")[0][0]))
    person = memberships // 10
    who = f"u{person:09}"
    words = {"contact": f"person{person}@example.com", "user": who, "run": last_run}
    commands: list[Question] = [
        (" ".join(words), partial(_command, configuration, words))
        for words in (
            ["status"], ["history"], ["history", str(last_run)], ["history", str(last_run // 2)], ["explain", who]
        )
    ]  # fmt: skip
    with _console(configuration) as address:
        yield [
            *commands,
            *((page, partial(_get, f"http://{address}{page}")) for page in pages(last_run, who)),
            *((f"SQL: {name}", partial(_select, server_, text.format(**words))) for name, text in EXAMPLES.items()),
        ]


@contextmanager
def _console(configuration: Path) -> Iterator[str]:
    with app.opened(opening.load(configuration, {})) as opened:
        site = Console(opened, alone=True)
        web = WebServer("127.0.0.1:0", site.page)
        web.open()
        thread = threading.Thread(target=web.keep)
        thread.start()
        try:
            yield str(web.address)
        finally:
            web.close()
            thread.join()
            site.close()


def _command(configuration: Path, words: Sequence[str]) -> None:
    program = Path(sys.executable).with_name("syncer")
    subprocess.run([program, "--config", configuration, *words, "--json"], check=True, stdout=subprocess.DEVNULL)


def _get(url: str) -> None:
    with urllib.request.urlopen(url, timeout=600) as answer:
        answer.read()


def _select(server_: Server, statement: str) -> None:
    server_.run(f"SET search_path = syncer; {statement}")


def ask_all(log: Log, asked: Sequence[Question], repeat: int) -> Iterator[Asked]:
    """The median of each question's answers."""
    for what, ask in asked:
        ask()  # what is in no cache is no matter of the plan
        found = sorted((log.time(what, ask) for _ in range(repeat)), key=lambda each: each.milliseconds)
        yield found[len(found) // 2]


def show(found: Sequence[Asked]) -> Table:
    table = Table("question", "ms", "slowest statement", "ms")
    for each in found:
        name, milliseconds = each.slowest
        mark = " !" if each.milliseconds > BAR else ""
        table.add_row(each.what, f"{each.milliseconds:,.1f}{mark}", name, f"{milliseconds:,.1f}")
    return table


@click.command(help=__doc__)
@click.option("--memberships", default=1_000_000, show_default=True)
@click.option("--runs", default=5_000, show_default=True)
@click.option("--changes", default=50_000_000, show_default=True, help="Of all runs together.")
@click.option("--repeat", default=3, show_default=True)
@click.option("--server", "which", default=server.EMBEDDED, show_default=True, help=server.WHICH)
@click.option("--work", type=click.Path(path_type=Path), required=True, help="Keeps the server here.")
@click.option("--out", type=click.Path(path_type=Path), help="Writes the results here as JSON.")
def main(
    memberships: int,
    runs: int,
    changes: int,
    repeat: int,
    which: str,
    work: Path,
    out: Path | None,
) -> None:
    work.mkdir(parents=True, exist_ok=True)
    with server.running(work / "data", which=which) as running:
        place = Place(running, work, "http://127.0.0.1:9")
        if not _is_seeded(running, memberships):
            warehouse.generate(running, memberships)
            ours.seed(place, ours.Setup())
        for done in past.fill(running, memberships, runs, changes):
            screen.print(f"{done:,} runs")
        configuration = ours.config(place)
        configuration.write_text(configuration.read_text() + _FRESH)
        with Log(running) as timed, questions(running, configuration, memberships) as asked:
            found = list(ask_all(timed, asked, repeat))
        held = holding.relations(running, "syncer")
    Screen(width=140).print(show(found))
    Screen(width=140).print(holding.show(held))
    if out is not None:
        written = {"questions": [asdict(each) for each in found], "relations": [asdict(each) for each in held]}
        out.write_text(json.dumps(written, indent=1))
    slow = [each.what for each in found if each.milliseconds > BAR]
    screen.print(f"{len(slow)} of {len(found)} questions take more than {BAR:.0f} ms: {', '.join(slow) or 'none'}")
    sys.exit(1 if slow else 0)


def _is_seeded(running: Server, memberships: int) -> bool:
    if running.run("SELECT to_regclass('syncer.synced_member') IS NULL")[0][0]:
        return False
    told = int(str(running.run("SELECT count(*) FROM syncer.synced_member WHERE entered_run_id = 1")[0][0]))
    return abs(told - memberships) < memberships * 0.05


if __name__ == "__main__":
    main()
