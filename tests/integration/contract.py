"""What every destination has to keep. Its test subclasses `DestinationContract` and gives it an `account`.

What depends on the receiver, or on what a configuration says of it, is in `ReceiverContract`: recipes keep that much.

Through the whole of syncer (a warehouse, a state, the delivery) and over a real loopback connection, because a promise
such as "one refused contact does not take others along" is kept by an adapter and the delivery together.
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncer import app, errors, opening, sync
from syncer.calls import Destination, Identify
from syncer.receivers.loopback import EVERYTHING, Answer, Ending, Reset, Truncate
from syncer.state.history import DestinationReport
from syncer.state.runs import RunStart
from syncer.stopping import Stop
from tests.world import IMPATIENT, VIP, Quiet, Row, World, members, truth

COUNT = 25
BAD = "u0007@x.io"
WITHOUT_BAD = [row for row in members(COUNT) if row[2] != BAD]

Decide = Callable[[Collection[str]], Ending | None]
"""What becomes of a request that tells these emails; None: what the receiver does by itself."""


@dataclass
class Account:
    """An account of some type, on loopback.

    `lines` configure it. `belief` is what it believes by email, `decide` lets it fail, `refuse` makes it refuse one
    contact by its own means and words (None: it has none; not `has_words`: means only). `reads_body`: a 200 with a web
    page is none. `together` is how many contacts a request may hold. `told` are the events that it took: name and email
    (None: it is told none).
    """

    type: str
    lines: str
    secrets: Sequence[str]
    belief: Callable[[], dict[str, dict[str, object]]]
    decide: Callable[[Decide | None], None]
    told: Callable[[], list[tuple[str, str]]] | None
    together: int
    refuse: Callable[[str | None, str], None] | None = None
    has_words: bool = True
    reads_body: bool = False


@pytest.mark.usefixtures("unguarded")
class ReceiverContract:
    """Subclass it as `TestSomething`, with a fixture `account` that gives an `Account`."""

    @pytest.fixture
    def at(self, world: World, account: Account) -> World:
        """A world whose only destination is the account."""
        world.destination_extra = ""
        world.patience = replace(IMPATIENT, max_attempts=3)
        path = world.folder / "syncer.toml"
        text = (
            world.text[: world.text.index("[[destinations]]")] + f'[[destinations]]\nname = "account"\n{account.lines}'
        )
        path.write_text(text)
        world.witness.configured(text)
        world.warehouse.replace(members(COUNT))
        return world

    def sync(self, at: World, code: int = 0) -> DestinationReport:
        """A run; returns what it says of the account."""
        with app.opened(opening.load(at.folder / "syncer.toml", {})) as opened:
            result = sync.sync(replace(opened.job(), retries=at.patience), RunStart("manual"), Stop(), Quiet())
        assert sync.exit_code(result) == code, result
        return result.report.destinations[0]

    def believed(self, account: Account) -> set[tuple[str, str]]:
        return {
            (email, name)
            for email, values in account.belief().items()
            for name, value in values.items()
            if value is True
        }

    @pytest.fixture
    def alone(self, tmp_path: Path, account: Account) -> Path:
        """A configuration with the account whose databases nobody looks for."""
        path = tmp_path / "alone.toml"
        nowhere = 'url = "postgresql://127.0.0.1:9/nowhere"'
        path.write_text(
            f'[warehouse]\n{nowhere}\n[warehouse.membership]\ntable = "members"\n[state]\n{nowhere}\n'
            f'[[destinations]]\nname = "account"\n{account.lines}'
        )
        return path

    def destination(self, path: Path) -> Destination:
        """The one that is configured there, closed."""
        [settings] = opening.load(path, {}).destinations
        made = settings.build()
        made.close()
        return made

    # --- what becomes of calls ------------------------------------------------------------------------------

    def test_accepted(self, at: World, account: Account) -> None:
        report = self.sync(at)

        assert (report.planned, report.succeeded) == (COUNT, COUNT)
        assert self.believed(account) == truth(members(COUNT))
        at.warehouse.replace(members(5))
        assert self.sync(at).succeeded == COUNT - 5
        assert self.believed(account) == truth(members(5))
        assert all(
            value is False
            for email, values in account.belief().items()
            for value in values.values()
            if email > "u0004@x.io"
        )
        assert self.sync(at).planned == 0

    def test_one_refused_contact_by_its_own_words(self, at: World, account: Account) -> None:
        if account.refuse is None:
            pytest.skip("it names no refused contact")
        account.refuse(BAD, "no such mailbox")

        report = self.sync(at, 8)

        assert (report.succeeded, report.failed) == (COUNT - 1, 1)
        assert self.believed(account) == truth(WITHOUT_BAD)
        [(contact, reason)] = at.query("SELECT contact, reason FROM refused_contacts")
        assert contact in (BAD, BAD.partition("@")[0])
        assert "no such mailbox" in reason or not account.has_words
        account.refuse(None, "")
        assert self.sync(at).succeeded == 1
        assert self.believed(account) == truth(members(COUNT))

    def test_a_refused_request_that_names_no_culprit_is_halved(self, at: World, account: Account) -> None:
        account.decide(lambda emails: Answer(400, body=b'{"message": "no"}') if BAD in emails else None)

        report = self.sync(at, 8)

        assert (report.succeeded, report.failed) == (COUNT - 1, 1)
        assert self.believed(account) == truth(WITHOUT_BAD)
        account.decide(None)
        assert self.sync(at).succeeded == 1

    def test_throttled_and_then_unavailable(self, at: World, account: Account) -> None:
        assert self.troubled(at, account, Answer(429), members(COUNT)).retries >= 1
        self.troubled(at, account, Answer(503, apply=EVERYTHING), members(COUNT, first=COUNT))

    def test_a_request_that_is_too_large_is_split(self, at: World, account: Account) -> None:
        if account.together == 1:
            pytest.skip("its requests hold one contact")
        account.decide(lambda emails: Answer(413) if len(emails) > 4 else None)

        assert self.sync(at).succeeded == COUNT
        assert self.believed(account) == truth(members(COUNT))

    def test_a_web_page_as_an_answer(self, at: World, account: Account) -> None:
        account.decide(lambda _: Answer(200, body=b"<html>\xff</html>", apply=EVERYTHING))

        report = self.sync(at, 6 if account.reads_body else 0)

        assert (report.unknown > 0) is account.reads_body
        account.decide(None)
        self.sync(at)
        assert self.believed(account) == truth(members(COUNT))

    def test_text_of_every_kind(self, at: World, account: Account) -> None:
        rows: list[Row] = [
            (VIP, 'quote " back \\ slash', "quote\"'\\@x.io"),
            (VIP, "naïve ☃ \U0001f600", "naïve☃\U0001f600@x.io"),
            (VIP, "\u202eright to left", "ångström@x.io"),
            (VIP, "</script>", "a+b%20&=?#@x.io"),
        ]
        at.warehouse.replace(rows)

        assert self.sync(at).succeeded == len(rows)
        assert self.believed(account) == truth(rows)

    def test_events(self, at: World, account: Account) -> None:
        if account.told is None:
            pytest.skip("it is told none")
        path = at.folder / "syncer.toml"
        path.write_text(path.read_text() + "\ntrack = true")
        self.sync(at)
        assert account.told() == []
        at.warehouse.replace([*members(COUNT - 1), (VIP, "new", "new@x.io")])

        self.sync(at)

        assert sorted(account.told()) == [
            ("Audience Entered", "new@x.io"),
            ("Audience Exited", f"u{COUNT - 1:04d}@x.io"),
        ]
        self.sync(at)
        assert len(account.told()) == 2

    # --- the adapter by itself ------------------------------------------------------------------------------

    def test_it_says_what_it_is_and_no_secret(self, alone: Path, account: Account) -> None:
        made = self.destination(alone)
        said = str(made.account()) + made.key_hash(b"salt") + repr(made)

        assert made.account()["type"] == account.type
        assert not any(secret in said for secret in account.secrets)
        assert made.key_hash(b"salt") == self.destination(alone).key_hash(b"salt") != made.key_hash(b"pepper")

    # --- tools ----------------------------------------------------------------------------------------------

    def first(self, times: int, ending: Ending) -> Decide:
        """Fails the first requests, and no more."""
        left = [ending] * times

        def decide(_emails: Collection[str]) -> Ending | None:
            return left.pop() if left else None

        return decide

    def troubled(self, at: World, account: Account, trouble: Ending, rows: Sequence[Row]) -> DestinationReport:
        """A run whose first two requests fail in this way; nobody is lost by it."""
        at.warehouse.replace(rows)
        to_tell = len(self.believed(account) ^ truth(rows))
        account.decide(self.first(2, trouble))
        report = self.sync(at)
        assert (report.succeeded, report.unknown) == (to_tell, 0), trouble
        assert self.believed(account) == truth(rows), trouble
        return report


class DestinationContract(ReceiverContract):
    """All of it."""

    def test_who_refuses_everybody_is_stopped_and_nobody_is_blamed(self, at: World, account: Account) -> None:
        account.decide(lambda _: Answer(400, body=b'{"message": "closed for today"}'))

        report = self.sync(at, 7)

        assert (report.succeeded, report.failed) == (0, 0)
        assert "closed for today" in str(report.error)
        assert at.query("SELECT count(*) FROM refused_contacts") == [(0,)]
        account.decide(None)
        assert self.sync(at).succeeded == COUNT

    def test_a_bad_key_a_wrong_address_or_a_redirect_stops_it_at_once(self, at: World, account: Account) -> None:
        """One after the other: each time everybody is still to be told, and nobody is blamed for it."""
        for status in (401, 402, 403, 404, 410, 301, 307):
            ending = Answer(status, {"Location": "https://example.com/elsewhere"})
            account.decide(lambda _, ending=ending: ending)  # type: ignore[misc]

            report = self.sync(at, 7)

            counts = (report.planned, report.succeeded, report.failed, report.unknown)
            assert counts == (COUNT, 0, 0, 0), status
            assert not any(secret in str(report.error) for secret in account.secrets), status
        account.decide(None)
        assert self.sync(at).succeeded == COUNT

    def test_trouble_that_passes(self, at: World, account: Account) -> None:
        """One after the other: each meets people who enter, and those of the one before, who leave."""
        waiting = Answer(429, {"Retry-After": "0"})
        assert self.troubled(at, account, waiting, members(COUNT)).retries >= 1
        faults: list[Ending] = [Answer(500), Answer(408), Reset(), Reset(apply=EVERYTHING), Truncate(apply=EVERYTHING)]
        for number, fault in enumerate(faults, 1):
            self.troubled(at, account, fault, members(COUNT, first=number * COUNT))

    def test_a_lost_answer_is_told_again_with_what_is_so_then(self, at: World, account: Account) -> None:
        account.decide(lambda _: Reset(apply=EVERYTHING))
        report = self.sync(at, 6)
        assert report.unknown > 0
        account.decide(None)
        at.warehouse.replace(members(3))

        self.sync(at)

        assert self.believed(account) == truth(members(3))
        assert self.sync(at).planned == 0

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(counts=st.lists(st.integers(1, 3), max_size=300), length=st.integers(1, 400))
    def test_requests_keep_every_call_once_and_those_of_a_contact_in_order(
        self, alone: Path, account: Account, counts: list[int], length: int
    ) -> None:
        calls = [
            Identify(f"c{n}@x.io", part, "u" * length, f"c{n}@x.io", f"m{n}-{part}", {f"p{part}": True})
            for n, parts in enumerate(counts)
            for part in range(parts)
        ]
        made = self.destination(alone)

        requests, refusals = made.requests(calls)

        sent = [call for request in requests for call in request.identifies]
        assert refusals == []
        assert Counter(call.message_id for call in sent) == Counter(call.message_id for call in calls)
        for n in range(len(counts)):
            mine = [call.part for call in sent if call.contact == f"c{n}@x.io"]
            assert mine == sorted(mine)
        assert all(0 < len(request.identifies) == len(request.encoded) for request in requests)
        assert all(len(request.identifies) <= account.together for request in requests)

    def test_closed_it_sends_nothing(self, alone: Path, account: Account) -> None:
        made = self.destination(alone)
        call = Identify("a@x.io", 0, "u1", "a@x.io", "m1", {"vip_buyers": True})
        [request], _ = made.requests([call])

        with pytest.raises(errors.DestinationUnavailableError) as raised:
            made.send(request)

        assert not raised.value.maybe_applied
        assert account.belief() == {}
