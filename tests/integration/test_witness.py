"""The witness misses nothing that a run can have read, also where it is itself what a test interrupts."""

import pytest

from tests.integration.lives.mortal import Gone, Mortal
from tests.world import CHURN, VIP, World


def test_the_witness_looks_again_if_the_process_was_gone_while_it_looked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list of audiences is widened, and the process is gone before the witness has read what that says: the
    auditor at the end of this test hears of it from the next run, which has the same configuration."""
    mortal = Mortal(monkeypatch)
    world.warehouse.replace([(VIP, "ann", "ann@x.io"), (CHURN, "bob", "bob@x.io")])
    world.destination_extra = f'audiences = ["{VIP}"]'
    world.sync()
    seen = len(world.witness.snapshots)

    world.destination_extra = ""
    mortal.last = mortal.steps
    with pytest.raises(Gone):
        world.sync()
    mortal.last = None
    assert len(world.witness.snapshots) == seen, "it was not yet done"
    world.sync()

    assert len(world.witness.snapshots) == seen + 1
    assert world.believed() == {("ann@x.io", "vip_buyers"), ("bob@x.io", "churn_risk")}
