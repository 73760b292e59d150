"""Truth under faults, one step further than `test_faults`: what two runs in a row may forget, and what not."""

from collections.abc import Callable

import psycopg
import pytest

from syncer import delivery, sync
from syncer.demo.receiver import Fault, ReceivedRequest
from syncer.models import Status
from tests.world import World

VIP = "VIP Buyers"
CHURN = "Churn Risk"


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two attempts, and no waiting between them."""
    monkeypatch.setattr(delivery, "MAX_ATTEMPTS", 2)
    monkeypatch.setattr(delivery, "MIN_RETRY_AFTER", 0.0)
    monkeypatch.setattr(delivery, "_BACKOFF", lambda call: 0.0)


def always(fault: Fault) -> Callable[[ReceivedRequest], Fault]:
    return lambda request: fault


def end_sessions(world: World, *names: str) -> None:
    """The state's server ends sessions, as an administrator would; returns when they are gone."""
    with psycopg.connect(world.state_url, autocommit=True) as connection:
        for name in names:
            ended = connection.execute(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name = %s",
                [name],
            )
            assert ended.fetchall() == [(True,)]


@pytest.mark.parametrize(
    "sessions",
    [
        pytest.param(["syncer delivery to segment"], id="delivery only"),
        pytest.param(["syncer sync"], id="the leader only"),
        pytest.param(["syncer delivery to segment", "syncer sync"], id="both"),
    ],
)
def test_told_true_while_the_state_is_lost_then_gone_is_told_false(world: World, sessions: list[str]) -> None:
    world.warehouse.replace([(VIP, "u1", "a@x.io")])

    def lose_state(request: ReceivedRequest) -> None:
        end_sessions(world, *sessions)

    world.receiver.script = lose_state
    lost = world.sync()
    assert (lost.report.status, sync.exit_code(lost)) == (Status.FAILED, 6)
    assert world.believed() == {("a@x.io", "vip_buyers")}

    world.receiver.script = None
    world.warehouse.replace([])
    assert world.sync().report.status == "succeeded"

    assert world.believed() == set()
    assert world.query("SELECT count(*) FROM sync_page WHERE status IN ('planned', 'sending')") == [(0,)]
    assert world.query(
        "SELECT planned = succeeded + failed + unknown + aborted FROM sync_run_destinations ORDER BY run_id"
    ) == [(True,), (True,)]
