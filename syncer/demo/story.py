"""The story of `syncer demo`: a shop opens, everything is sent once, days pass, and only what changed is sent.

The parts are real: the settings are loaded from the folder's file, and every sync is the one of `syncer sync`. Only the
shop is made up, and two receivers stand for Segment and for Mailmodo. No number is known beforehand: each comes from
the shop, from the run's report or from the receivers. After every sync, what each receiver believes is compared with
the shop's tables.
"""

import json
import shlex
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from psycopg import sql
from rich.console import Console

from syncer import app, embedded, errors, log, naming, opening, sync
from syncer.demo.comparison import Difference, compare
from syncer.demo.folder import API_KEY, LIST, WRITE_KEY, prepare, write_config
from syncer.demo.foretold import foretold
from syncer.demo.listener import Listener
from syncer.demo.page import Page, counted
from syncer.demo.shop import QUERY_AUDIENCE, Shop, Unsubscribed, entered
from syncer.receivers.loopback import Answer
from syncer.receivers.mailmodo import MailmodoReceiver
from syncer.receivers.segment import SegmentReceiver
from syncer.receivers.segment_memory import Belief
from syncer.state.history import RunReport
from syncer.state.runs import RunStart
from syncer.stopping import Interrupted, Stop

Watching = Callable[[], AbstractContextManager[sync.Progress]]
"""Gives the progress that watches one sync."""

Serving = Callable[[app.App], AbstractContextManager[str | None]]
"""Serves the console of a configuration; gives its address."""

_DAYS = (1, 3, 7)
_SHOWN = 20
_DOWN = 3
"""When this many days have passed at once, Mailmodo refuses the key."""


def tell(
    folder: Path,
    *,
    customers: int,
    seed: int,
    stay: Serving | None,
    console: Console,
    watching: Watching,
    stop: Stop,
) -> bool:
    """Tells the story in `folder`. False if a receiver ever believed something else than the shop says.

    With `stay` the shop stays open at the end, and the console is served by it.
    """
    log.configure("human", "WARNING")
    prepare(folder)
    with ExitStack() as stack:
        with stop.may_interrupt():
            url = stack.enter_context(embedded.running(folder / ".syncer"))
            shop = stack.enter_context(entered(url))
            if not shop.is_ours():
                raise errors.SyncLockedError(
                    f"another `syncer demo` runs in {folder}; end it, or name another --folder"
                )
            receiver = stack.enter_context(SegmentReceiver(WRITE_KEY, keep_events=False))
            mailmodo = stack.enter_context(MailmodoReceiver(API_KEY, lists=[LIST]))
            shop.open(customers, seed)
            write_config(folder, url, receiver.url, mailmodo.url)
        story = _Story(folder, url, shop, receiver, mailmodo, Page(console), watching, stop)
        story.introduce(seed)
        story.show_shop()
        story.first_sync()
        for days in _DAYS:
            story.pass_days(days)
        story.break_a_model()
        story.show_history()
        story.end()
        sound = story.sound
        if stay is not None:
            story.stay(stay)
    return sound


@dataclass(slots=True)
class _Story:
    """`calls` and `syncs` are counted so far; `sound` says whether everything was as it should be."""

    folder: Path
    url: str
    shop: Shop
    receiver: SegmentReceiver
    mailmodo: MailmodoReceiver
    page: Page
    watching: Watching
    stop: Stop
    heard: Listener = field(default_factory=Listener)
    calls: int = 0
    syncs: int = 0
    sound: bool = True

    # --- the chapters ------------------------------------------------------------------------------------------

    def introduce(self, seed: int) -> None:
        self.page.title("syncer demo")
        self.page.say(
            'A shop has its customers and orders in a database, and audiences over them, such as "VIP buyers". The'
            " tool that sends its mail must know of every contact which audiences it is in: one true/false property"
            " for each. syncer tells it: at first everything, from then on only what changed."
        )
        self.page.gap()
        self.page.say(
            f"The database is real (PostgreSQL, in {self.folder / '.syncer'}), and so are the configuration"
            f" ({self.folder / 'syncer.toml'}) and every call. The shop is made up (seed {seed}), and two receivers on"
            " this machine stand for Segment and for Mailmodo: as strict as their documentation, they remember what"
            " they are told."
        )

    def show_shop(self) -> None:
        size, dirt = self.shop.size(), self.shop.dirt()
        self.page.chapter("The shop")
        self.page.say(
            f"{counted(size.customers, 'customer')}, {counted(size.orders, 'order')}; the shop's calendar says"
            f" {size.today.day} {size.today:%B %Y}. Its audiences are SQL over the orders:"
        )
        self.page.table(
            ("audience", "members", "property of the contact"),
            [(row.audience, row.members, naming.property_of(row.audience)) for row in self.shop.members()],
        )
        self.page.say(
            f"A contact is an email address, and these are as customers typed them: {dirt.missing:,} are missing,"
            f" {dirt.wrong:,} are no address, {dirt.untidy:,} have blanks or capitals, and"
            f" {counted(dirt.shared, 'customer')} share one with somebody."
        )

    def first_sync(self) -> None:
        self.page.chapter("The first sync")
        self.page.say("Nobody was told anything yet, so every member is told: true.")
        report, arrived = self._sync()
        self._show_told(report)
        saved = f" rather than {_calls(report) + report.calls_saved:,}, because one carries everything about a contact"
        self.page.say(
            f"This took {_identifies(_calls(report))}{saved if report.calls_saved else ''}; Mailmodo got its share in"
            f" {counted(len(self.mailmodo.requests), 'request')}. One that Segment got:"
        )
        self._show_example()
        self._show_skipped(report)
        self._check(report, arrived)

    def pass_days(self, days: int) -> None:
        self.page.chapter({1: "A day passes", 7: "A week passes"}.get(days, f"{days} days pass"))
        news = self.shop.pass_days(days)
        self.page.say(
            f"New in the shop: {counted(news.orders, 'order')}, {counted(news.customers, 'customer')},"
            f" {counted(news.addresses, 'changed email')}."
        )
        if self.syncs == 1:
            self.page.say(
                "A contact that enters an audience is told: true. One that leaves, often only because time goes by, is"
                " told: false. An email that changes is a new contact: the old one leaves, the new one enters."
            )
        gone = self.shop.unsubscribe() if self.syncs == 1 else None
        if gone is not None:
            self._show_plan(gone)
        if days == _DOWN:
            self._lose_mailmodo()
        known = set(self.receiver.belief)
        report, arrived = self._sync()
        self._show_told(report)
        untouched = counted(len(known - self.heard.contacts), "contact")
        self.page.say(f"This took {_identifies(_calls(report))}; {untouched} did not change and got none.")
        self._show_example()
        if gone is not None:
            self._judge(
                not any(self.receiver.belief[gone.contact].values()),
                f"{gone.name}, who is suppressed, is in no audience, whatever the tables say",
            )
        self._check(report, arrived)

    def _show_plan(self, gone: Unsubscribed) -> None:
        """Some people of the plan, before anything is sent."""
        self.page.say(
            f"{gone.name} has unsubscribed, and is on the list of [suppress]. `syncer plan --people` shows what a sync"
            " would tell whom, and why, before it does; here one of each kind:"
        )
        with self._opened() as opened:
            people = foretold(opened.job(), "segment", self.stop)
        rows = [(each.contact, each.audience, each.value, each.why) for each in people]
        self.page.table(("contact", "audience", "told", "why"), rows)

    def _lose_mailmodo(self) -> None:
        """A sync in which one destination refuses the key, and the other one goes on."""
        self.page.say(
            "Meanwhile somebody has revoked the key at Mailmodo. It refuses all calls now, and says so; Segment is told"
            " what changed as if nothing were:"
        )
        self.mailmodo.script = lambda _: Answer(401, body=b'{"success": false, "message": "Invalid API key"}')
        report, arrived = self._sync(refused=True)
        self.mailmodo.script = None
        self.page.table(
            ("destination", "status", "planned", "told"),
            [(each.name, each.status, each.planned, each.succeeded) for each in report.destinations],
        )
        status = {each.name: each.status for each in report.destinations}
        self._show_comparison("segment")
        self._judge(
            arrived["mailmodo"] == 0 and status == {"mailmodo": "failed", "segment": "succeeded"},
            f"segment was told of {counted(arrived['segment'], 'contact')}, mailmodo of {arrived['mailmodo']}",
        )
        self.page.say("A new key, one more sync, and Mailmodo is told what it missed; Segment, which knows it, is not:")

    def break_a_model(self) -> None:
        largest = max(self.shop.members(), key=lambda row: (row.audience != QUERY_AUDIENCE, row.members)).audience
        self.page.chapter("A model breaks")
        self.page.say(
            f'Tonight the job that builds "{largest}" failed, and its rows are gone. A sync that believed that would'
            " tell everybody in it: false. The guard holds it, and tells a human; everything else goes on:"
        )
        self.shop.break_model(largest)
        report, arrived = self._sync()
        held = next(audience.held for audience in report.audiences if audience.name == largest)
        self._show_told(report, "held")
        self._judge(
            bool(held) and not any(arrived.values()) and report.status == "held",
            f"held: {counted(held, 'change')} of {largest!r}; {_identifies(sum(arrived.values()))} at the receivers",
        )
        self.page.say(
            f"Was it meant? `syncer approve {report.run_id}` lets just these pass with the next sync. It was not: the"
            " job is mended, and the next sync has nothing to undo."
        )
        self.shop.mend_models()
        report, arrived = self._sync()
        self._check(report, arrived)

    def show_history(self) -> None:
        self.page.chapter("The history")
        self.page.say("What was told, to whom and when, is kept in tables for your own SQL. Every sync is a run:")
        self._ask("show_runs")
        traveller = self.shop.traveller()
        if traveller is None:
            self.page.say("Nobody has left an audience yet; a larger shop (--customers) shows more.")
            return
        self.page.say(f"One customer, {traveller.name}, and the runs that told of entering and of leaving:")
        self._ask("show_member", user_id=sql.Literal(traveller.user_id))

    def end(self) -> None:
        self.page.chapter("The end")
        self._judge(
            self.sound,
            f"{counted(self.syncs, 'sync')}, {_identifies(self.calls)}, and after each sync both receivers believed"
            f" {'exactly' if self.sound else 'NOT'} what the shop's tables say, but for what was held or refused.",
        )
        self.page.say(f"Everything stays in {self._place()}, ready for every other command. For example:")
        self.page.commands(
            *self._way(),
            ("syncer history", "all runs"),
            (f"syncer history {self.syncs}", "one run, and who could not be told"),
            ("syncer verify", "history, state and shop, counted again"),
            ("syncer sync", "one more: nothing has changed, so nothing is sent"),
            ("syncer demo --help", "a larger shop, another shop, a shop that stays open"),
        )

    def stay(self, serving: Serving) -> None:
        """Keeps receivers, database and console up, and compares after every run that is begun elsewhere."""
        self.page.chapter("The shop stays open")
        self.shop.pass_days(1)
        seen = self.shop.last_run()
        self.page.say(
            "One more day has passed in the shop, and nobody has synced since. Until you press Ctrl-C, the receivers"
            " listen, the database runs, and the console shows all of it in a browser:"
        )
        with self._opened() as opened, serving(opened) as address:
            self.page.line(address or "(not now: another console listens there)")
            self.page.say("In another terminal:")
            self.page.commands(
                *self._way(),
                ("syncer plan", "what would be sent"),
                ("syncer sync", "sends it; the comparison appears here"),
            )
            self.page.say("Or look into the database. SELECT shop.pass_days(7) lets a week pass there:")
            self.page.line(f"{'psql' if shutil.which('psql') else 'your-postgresql-client'} '{self.url}'")
            while not self.stop.asked.wait(0.5):
                seen = self._compare_since(seen)

    def _compare_since(self, seen: int | None) -> int | None:
        """Compares if there is another run than the one that was `seen`; returns the last one."""
        run_id = self.shop.last_run()
        if run_id != seen:
            self.page.say(f"Run {run_id} has ended.")
            for name in self._beliefs():
                self._show_comparison(name)
        return run_id

    # --- what they are made of ---------------------------------------------------------------------------------

    def _place(self) -> str:
        return f"the folder {self.folder}" if self._way() else "this folder"

    def _way(self) -> Sequence[tuple[str, str]]:
        """The command that leads to the folder, if it is another."""
        return [] if self.folder.resolve() == Path.cwd() else [(f"cd {shlex.quote(str(self.folder))}", "")]

    def _opened(self) -> AbstractContextManager[app.App]:
        """What every command makes of the folder's file."""
        return app.opened(opening.load(self.folder / "syncer.toml", {}))

    def _beliefs(self) -> Mapping[str, Belief]:
        """What each receiver believes, by the name of its destination."""
        return {"segment": self.receiver.belief, "mailmodo": self.mailmodo.belief}

    def _counts(self) -> Mapping[str, int]:
        """How many identifies each receiver has taken."""
        return {"segment": self.receiver.event_count, "mailmodo": self.mailmodo.told}

    def _sync(self, *, refused: bool = False) -> tuple[RunReport, Mapping[str, int]]:
        """Syncs as `syncer sync` does; returns its report, and how many identifies each receiver counted.

        Raises what stopped a destination, unless one is meant to be `refused`.
        """
        self.heard = Listener(self.shop.shared_contacts())
        self.receiver.script = self.heard.listen
        before = self._counts()
        with self._opened() as opened, self.watching() as watcher:
            result = sync.sync(opened.job(), RunStart("manual"), self.stop, watcher)
        if self.stop.asked.is_set():
            raise Interrupted
        if result.failures and not refused:
            raise result.failures[0]
        self.syncs += 1
        self.calls += _calls(result.report)
        return result.report, {name: count - before[name] for name, count in self._counts().items()}

    def _show_told(self, report: RunReport, *more: str) -> None:
        columns = {"audience": "name", "members": "members", "told true": "added", "told false": "removed"}
        columns |= {name: name for name in more}
        rows = [[getattr(audience, name) for name in columns.values()] for audience in report.audiences]
        self.page.table(tuple(columns), rows)
        if not more:
            self.page.say("(Counted at both receivers together.)")

    def _show_example(self) -> None:
        if self.heard.example:
            shown = {key: self.heard.example[key] for key in ("type", "userId", "traits")}
            self.page.quote(json.dumps(shown, ensure_ascii=False))

    def _show_skipped(self, report: RunReport) -> None:
        skipped = report.destinations[0].skipped
        if skipped:
            reasons = ", ".join(f"{count:,} {reason}" for reason, count in skipped.items())
            self.page.say(
                f"{counted(sum(skipped.values()), 'membership')} cannot be told ({reasons}). They are listed by"
                f" `syncer history {report.run_id}`, and are told as soon as there is an address."
            )
            self.page.gap()

    def _check(self, report: RunReport, arrived: Mapping[str, int]) -> None:
        """Shows whether what must hold after every sync does hold."""
        for name in self._beliefs():
            self._show_comparison(name)
        said = {destination.name: destination.succeeded for destination in report.destinations}
        self._judge(
            arrived == said,
            f"{_identifies(sum(said.values()))} by syncer's count, {sum(arrived.values()):,} by the receivers'",
        )
        for name, broken in (("Segment", self.receiver.violations), ("Mailmodo", self.mailmodo.violations)):
            self._judge(not broken, f"rules of {name} broken: {'; '.join(broken[:_SHOWN]) or 'none'}")

    def _show_comparison(self, name: str) -> None:
        found = compare(self.shop.truth(), self._beliefs()[name])
        contacts, properties = counted(found.contacts, "contact"), counted(found.properties, "property", "properties")
        self._judge(
            not found.differences,
            f"{name} and shop compared, {self.page.product(contacts, properties)}:"
            f" {counted(len(found.differences), 'difference')}",
        )
        if found.differences:
            self.page.table(Difference._fields, found.differences[:_SHOWN])

    def _judge(self, holds: bool, text: str) -> None:  # noqa: FBT001
        self.sound = self.sound and holds
        (self.page.good if holds else self.page.bad)(text)

    def _ask(self, name: str, **placeholders: sql.Composable) -> None:
        text, columns, rows = self.shop.ask(name, **placeholders)
        self.page.quote(text)
        self.page.table(columns, rows)


def _calls(report: RunReport) -> int:
    return sum(destination.succeeded for destination in report.destinations)


def _identifies(count: int) -> str:
    return counted(count, "identify", "identifies")
