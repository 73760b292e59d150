"""How fresh a destination is: from the commit in the warehouse until the call about it was accepted.

    .venv/bin/python -m tests.bench.freshness --memberships 1000000 --minutes 60 --rate 100 --work FOLDER --out FILE

A real daemon runs every few seconds, while a writer changes the warehouse in small commits (`changing`). Warehouse and
state are one PostgreSQL, which vacuums as servers do. Ends by itself, once what was changed last was told; the first
Ctrl-C or SIGTERM ends it early, with the results until then, the second one at once.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import click
import structlog
from rich.console import Console

from tests.bench import belief, fresh_report, ours, seen, server, sink, warehouse
from tests.bench.__main__ import about
from tests.bench.changing import Writer
from tests.bench.contestants import Place
from tests.bench.fresh_report import Outcome, Plan, Run
from tests.bench.sampling import Sampler
from tests.bench.server import Server

# What a benchmark of single runs leaves out, so that nothing disturbs them, and a server has.
PRODUCTION = {"autovacuum_naptime": "1min", "checkpoint_timeout": "5min", "log_autovacuum_min_duration": "0"}
_SETTINGS = """
[schedule]
every = "{every}"
{jitter}
[health]
listen = "127.0.0.1:{port}"
[console]
served = true
"""
_HAS_RUN = "SELECT EXISTS (SELECT FROM syncer.run WHERE phase = 'closed' AND started_at > '{moment}')"
_RUNS = """
SELECT extract(epoch FROM started_at - min(started_at) OVER ())::float8,
    extract(epoch FROM finished_at - started_at)::float8
FROM syncer.run
WHERE started_at > '{since}' AND finished_at IS NOT NULL
ORDER BY run_id
"""
_FIRST_RUN_SECONDS, _LAST_RUN_SECONDS, _END_SECONDS = 120.0, 120.0, 60.0
console = Console(stderr=True)


def prepare(running: Server, folder: Path, plan: Plan) -> None:
    """The data, and a state that knows that they were told."""
    console.print(f"making {plan.memberships:,} memberships")
    warehouse.generate(running, plan.memberships)
    ours.seed(Place(running, folder), ours.Setup())
    warehouse.remember(running)
    running.run("VACUUM ANALYZE")


def measure(running: Server, folder: Path, plan: Plan, stop: threading.Event) -> Outcome:
    """Lets the daemon run for as long as the plan says, or until `stop` is set."""
    spool, ends, since = folder / "spool", threading.Event(), _now(running)
    writer, problems = Writer(running, plan.rate), list[str]()
    with sink.receiving(spool, plan.latency_ms) as receiving:
        place, port = Place(running, folder, f"http://127.0.0.1:{receiving.port}"), _free_port()
        path = _configure(place, plan, port)
        with _daemon(running, path) as (process, log):
            status = [*ours.command(path)[:3], "status", "--json"]
            sampler = Sampler(running, process.pid, log, f"http://127.0.0.1:{port}", status)
            with ThreadPoolExecutor() as threads:
                acts = [threads.submit(act, ends) for act in (writer.write, sampler.watch, sampler.ask)]
                try:
                    passed = _wait(plan.seconds, writer, sampler, stop, until_ended=process)
                finally:
                    ends.set()
            if not _await_run(running, process, _LAST_RUN_SECONDS):
                problems.append("there was no run after the last change")
    problems += sampler.unanswered
    problems += [f"{type(error).__name__}: {error}" for error in (act.exception() for act in acts) if error]
    verdict = seen.judge(writer.changes, belief.told(spool))
    wrong = belief.wrong_contacts(running, spool)
    spool.unlink()
    return Outcome(
        changes=writer.changes,
        verdict=verdict,
        samples=sampler.samples,
        tables=sampler.tables,
        answers=sampler.answers,
        runs=[Run(float(str(began)), float(str(took))) for began, took in running.run(_RUNS.format(since=since))],
        wrong=wrong,
        requests=receiving.requests,
        behind=max(0, int(passed * plan.rate) - len(writer.changes)),
        ended=process.returncode,
        problems=problems,
    )


def _configure(place: Place, plan: Plan, port: int) -> Path:
    path = ours.config(place)
    whole, _, _ = path.read_text().partition("[log]")
    jitter = "" if plan.jitter is None else f'jitter = "{plan.jitter}"'
    path.write_text(whole + _SETTINGS.format(every=plan.every, jitter=jitter, port=port))
    return path


@contextmanager
def _daemon(running: Server, path: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A daemon that has ended its first run, and the file that it logs to."""
    log = path.with_name("daemon.log")
    command = [*ours.command(path)[:3], "daemon"]
    environment = {**os.environ, "XDG_STATE_HOME": str(path.with_name("notes"))}
    # In a group of its own, so that Ctrl-C ends the benchmark, and the benchmark ends it.
    with (
        log.open("wb") as said,
        subprocess.Popen(command, env=environment, stdout=said, stderr=said, process_group=0) as process,
    ):
        try:
            if not _await_run(running, process, _FIRST_RUN_SECONDS):
                raise click.ClickException(f"the daemon does not run: {log.read_text()[-2000:]}")
            yield process, log
        finally:
            process.terminate()
            try:
                process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _await_run(running: Server, process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Until a run has ended that begins from now on; False if there is none within so long."""
    moment = _now(running)
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        if running.run(_HAS_RUN.format(moment=moment))[0][0]:
            return True
        time.sleep(0.2)
    return False


def _now(running: Server) -> object:
    return running.run("SELECT clock_timestamp()")[0][0]


def _wait(
    seconds: float,
    writer: Writer,
    sampler: Sampler,
    stop: threading.Event,
    until_ended: subprocess.Popen[bytes],
) -> float:
    """Waits until the time is over, `stop` is set or the daemon has ended, and says each minute how far it is. Returns
    the seconds."""
    began = time.monotonic()
    while (passed := time.monotonic() - began) < seconds and until_ended.poll() is None:
        if stop.wait(min(60.0, seconds - passed)):
            break
        if sampler.samples:
            last = sampler.samples[-1]
            console.print(
                f"{(time.monotonic() - began) / 60:.0f} min: {len(writer.changes):,} changes; the daemon has"
                f" {last.memory:.0f} MB, the state {last.state:.0f} MB, the catalog {last.catalog:.1f} MB"
            )
    return time.monotonic() - began


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def _stoppable() -> Iterator[threading.Event]:
    """Set by the first signal; the second one ends everything at once."""
    stop = threading.Event()

    def end(_number: int, _frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        console.print("ends early, with the results until now")
        stop.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@click.command(help=__doc__)
@click.option("--memberships", default=1_000_000, show_default=True, help="Rows of the warehouse; five per contact.")
@click.option("--minutes", default=60.0, show_default=True)
@click.option("--rate", default=100, show_default=True, help="Changes of the warehouse a second.")
@click.option("--every", default="10s", show_default=True, help="[schedule] every.")
@click.option("--jitter", help="[schedule] jitter; its default, unless given.")
@click.option("--latency-ms", default=0, show_default=True, help="How long the receiver takes for each request.")
@click.option("--server", "which", default=server.EMBEDDED, show_default=True, help=server.WHICH)
@click.option("--work", type=click.Path(path_type=Path), required=True, help="Keeps the server here.")
@click.option("--out", type=click.Path(path_type=Path), help="Writes the results here as JSON, and a chart beside it.")
def main(
    memberships: int,
    minutes: float,
    rate: int,
    every: str,
    jitter: str | None,
    latency_ms: int,
    which: str,
    work: Path,
    out: Path | None,
) -> None:
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    work.mkdir(parents=True, exist_ok=True)
    plan = Plan(memberships, 60 * minutes, rate, every, jitter, latency_ms)
    with _stoppable() as stop, server.running(work / "data", PRODUCTION, which=which) as running:
        prepare(running, work, plan)
        outcome = measure(running, work, plan, stop)
        facts = about(running, memberships) | {"settings": server.SETTINGS | PRODUCTION}
    report = fresh_report.of(outcome, plan, facts)
    fresh_report.show(report, Console(width=None if sys.stdout.isatty() else 132))
    if out is not None:
        fresh_report.write(report, out)


if __name__ == "__main__":
    main()
