"""No rule gives way to a rollback, and what it did not look at is looked at by the next run."""

import pytest

from syncer.daemon import lateness
from syncer.receivers.loopback import EVERYTHING, Answer, Reset
from syncer.state import status
from tests.integration.test_rollback import ADA, BEN, CAT, counted, only, propose, run, take_back
from tests.points import Points
from tests.world import CHURN, VIP, Row, World, calls, members, named_members, told, truth

pytestmark = [
    pytest.mark.usefixtures("unguarded"),
    pytest.mark.not_audited("a rollback tells what the warehouse does not say: that is what it is about"),
]


def test_what_was_only_told_again_has_not_moved(world: World) -> None:
    run(world, ADA + BEN)
    bad = run(world, BEN + CAT)
    propose(world, bad)

    world.resync()

    assert len(world.held()) == 2
    proposal = propose(world, bad)
    assert counted(proposal) == {"added": 1, "removed": 1}
    assert world.approve(proposal.run_id) == 2
    world.sync()
    assert world.believed() == truth(ADA + BEN)
    world.sync()
    world.resync()
    assert counted(propose(world, bad)).keys() == {"moved"}
