"""The runs that a console makes itself: which run that is, and what is told of it."""

import threading
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from syncer import app, opening, sync
from syncer.console.running import Begun, Look, Outcome, Runner, Wish
from syncer.daemon.alerts import AlertLog
from syncer.daemon.channels import Apprise
from syncer.receivers.loopback import Answer
from syncer.state.asking import Asker
from tests.integration.test_broken_runs import a_claimed_page
from tests.integration.test_freshness import HOUR, later
from tests.world import DEADLINE, VIP, World, members, until

WISH = Wish("sync", Asker("ops@127.0.0.1", None))
NOWHERE = "json://127.0.0.1:9/nobody"


@pytest.fixture
def runner(world: World) -> Iterator[Runner]:
    world.extra = f'[alerts]\nurls = ["{NOWHERE}"]\n'
    world.warehouse.replace(members(2))
    with app.opened(opening.load(world.config, {})) as opened:
        runner = Runner(opened, alone=True)
        yield runner
        runner.close()


def became(begun: Outcome | Look) -> Outcome:
    """What became of a wish, once that is known."""
    assert callable(begun), begun
    found: list[Outcome | None] = [None]

    def there() -> bool:
        found[0] = begun()
        return found[0] is not None

    until(there)
    assert found[0] is not None
    return found[0]


def test_a_run_that_a_dead_process_of_this_number_left_open_is_not_the_one(
    world: World, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a container that is started again: its host and its process have the same names."""
    with a_claimed_page(world):
        pass
    goes_on, really = threading.Event(), sync.sync

    def later(*asked: object) -> sync.Result:
        assert goes_on.wait(DEADLINE)
        return really(*asked)  # type: ignore[arg-type]

    monkeypatch.setattr(sync, "sync", later)
    begun = runner.begin(WISH)

    assert callable(begun)
    assert begun() is None
    goes_on.set()
    assert became(begun) == Begun(2)


def test_who_is_told_of_a_run_is_waited_for_by_nobody_and_what_goes_wrong_there_is_logged(
    world: World, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on = threading.Event()

    def broken(*_: object) -> None:
        assert goes_on.wait(DEADLINE)
        raise ZeroDivisionError

    monkeypatch.setattr(AlertLog, "review_run", broken)
    with capture_logs() as logged:
        assert became(runner.begin(WISH)) == Begun(1)
        until(lambda: world.query("SELECT FROM sync_runs WHERE run_id = 1 AND status = 'succeeded'"))
        until(lambda: "run" not in {thread.name for thread in threading.enumerate()})
        assert became(runner.begin(WISH)) == Begun(2)
        goes_on.set()
        runner.close()
    assert [each["event"] for each in logged if each["log_level"] == "error"] == ["alerts could not be sent"] * 2


def test_a_promise_that_its_run_does_not_keep_is_alerted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.extra = f'[alerts]\nurls = ["{NOWHERE}"]\n[[audiences]]\nname = "{VIP}"\nfresh_within = "1h"\n'
    world.warehouse.replace(members(2))
    world.sync()
    later(world, 2 * HOUR)
    world.warehouse.replace(members(3))
    world.receiver.script = lambda _request: Answer(401)
    sent: list[str] = []

    def send(_: Apprise, title: str, _body: str) -> bool:
        sent.append(title)
        return True

    monkeypatch.setattr(Apprise, "send", send)
    with app.opened(opening.load(world.config, {})) as opened:
        runner = Runner(opened, alone=True)
        assert became(runner.begin(WISH)) == Begun(2)
        until(lambda: world.query("SELECT FROM sync_runs WHERE run_id = 2 AND finished_at IS NOT NULL"))
        runner.close()
    assert "syncer: older than promised" in sent
