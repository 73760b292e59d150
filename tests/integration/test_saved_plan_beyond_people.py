"""What a saved plan is about beside people: events that are owed, and the templates that write its calls."""

import json

from syncer.receivers.loopback import Answer
from tests.integration.test_saved_plan import refused, save, send
from tests.world import VIP, World, members


def test_events_that_are_owed_are_a_part_of_the_plan(world: World) -> None:
    """They are sent by the next run, whatever that plans; a plan without them would send what nobody reviewed."""
    world.destination_extra += "\ntrack = { initial = true }"
    world.warehouse.replace(members(3))
    before = save(world).read_bytes()
    world.receiver.script = lambda request: Answer(503) if request.events[0]["type"] == "track" else None
    world.sync()
    world.receiver.script = None
    file = save(world)
    assert json.loads(file.read_bytes())["forecast"][0]["events"] == 3
    assert json.loads(before)["destinations"][0]["owed_events"] == 0
    world.pause(VIP)
    assert "segment: events that are owed: 3 reviewed, 0 now" in refused(world, file)
    world.resume(VIP)
    known = len(world.receiver.events)
    assert send(world, file).returncode == 0
    assert [each.event["type"] for each in world.receiver.events[known:]] == ["track"] * 3
    assert refused(world, file) == ["segment: events that are owed: 3 reviewed, 0 now"]


def test_another_template_is_another_plan_and_another_key_is_none(world: World) -> None:
    usual = "\n".join(
        [
            'audiences = ["nothing"]\n[[destinations]]\nname = "hook"\ntype = "webhook"',
            'url = "http://127.0.0.1:9/hook"\nheaders = { Authorization = "first-key" }',
            'secrets = { key = "k3y-number-1" }',
            "[destinations.templates.changed]\nheaders = { X-Op = 'set {{ secrets.key }}' }\nbody = '{{ email }}'",
        ]
    )
    world.destination_extra = usual
    file = save(world)
    assert "set {{" not in file.read_text()
    for before, after in (
        ("X-Op = 'set", "X-Op = 'drop"),
        ("X-Op", "X-Act"),
        ("body = '{{ email", "body = '{{ user_id"),
    ):
        world.destination_extra = usual.replace(before, after)
        assert refused(world, file) == ["hook: its configuration was another one"]
    world.destination_extra = usual.replace("first-key", "second-key").replace("number-1", "number-2")
    assert send(world, file).returncode == 0


def test_what_expires_is_left_to_other_runs(world: World) -> None:
    """It is due by time alone: to count it would refuse every plan, and not to would send what nobody reviewed."""
    world.destination_extra += "\nrefresh = '20d'"
    world.warehouse.replace(members(3))
    world.sync()
    world.warehouse.replace(members(4))
    file = save(world)
    world.query("UPDATE run SET started_at = started_at - interval '30 days' RETURNING run_id")
    known = len(world.receiver.events)
    assert send(world, file).returncode == 0
    assert [each.event["userId"] for each in world.receiver.events[known:]] == ["u0003"]
    world.sync()
    assert [each.event["userId"] for each in world.receiver.events[known + 1 :]] == ["u0000", "u0001", "u0002"]
