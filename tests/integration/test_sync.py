"""The main path: an initial sync, then only changes."""

from tests.world import World, truth


def test_initial_sync_then_only_changes(world: World) -> None:
    rows = [("VIP Buyers", f"u{n}", f"User{n}@Example.com") for n in range(700)]
    world.warehouse.replace(rows)

    first = world.sync()

    assert first.report.status == "succeeded", (first.report.error, first.failures)
    assert world.believed() == truth(rows)
    calls = len(world.receiver.events)
    assert calls == 700

    changed = [*rows[2:], ("VIP Buyers", "new", "new@example.com")]
    world.warehouse.replace(changed)

    second = world.sync()

    assert second.report.status == "succeeded"
    assert world.believed() == truth(changed)
    assert len(world.receiver.events) - calls == 3
