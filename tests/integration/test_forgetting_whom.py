"""Whom a forgetting is about (rule 27): all contacts of the person, nobody else, and for as long as it has to be."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from syncer import control, errors
from syncer.receivers.loopback import Answer
from syncer.receivers.segment import SegmentReceiver
from syncer.state import State, forgetting, retention
from tests.forgetting import dump, forget, found, told
from tests.world import CHURN, VIP, Row, World, keep_together, members

VICTIM = "victim@x.io"
BOB: Row = (VIP, "bob", "bob@x.io")
GUESTS: list[Row] = [(VIP, "guest", f"g{number}@x.io") for number in range(6)]


@pytest.fixture
def unheld(unguarded: None) -> None:
    """The guard holds nothing."""


def skipped(world: World) -> dict[str, int]:
    return dict(world.sync().report.destinations[0].skipped)


def drop_history(world: World) -> None:
    """All runs but the newest are old."""
    world.sync()
    with world.state() as connection:
        connection.execute("UPDATE run SET finished_at = finished_at - interval '2 days'")
        assert retention.drop_old(connection, 1.0) > 0
    assert world.query("SELECT * FROM sync_changelog") == []


class TestKindsOfNames:
    """A user id that reads like somebody's address is no address, and the reverse."""

    def test_whose_user_id_is_another_ones_address_takes_nothing_from_them(self, world: World) -> None:
        world.warehouse.replace([(VIP, VICTIM, "mallory@x.io"), BOB])
        world.sync()
        forget(world, "mallory@x.io")
        world.warehouse.replace([(VIP, VICTIM, "mallory@x.io"), (VIP, "v1", VICTIM), BOB])

        assert skipped(world) == {"forgotten": 1}
        assert world.believed() >= {(VICTIM, "vip_buyers")}
        assert world.verify().differences == 0

    def test_a_name_that_is_nobodys_address_is_their_user_id(self, world: World) -> None:
        world.warehouse.replace([(VIP, VICTIM, "mallory@x.io"), BOB])
        world.sync()

        done = world.command("forget", VICTIM)

        assert (done.returncode, done.stdout) == (0, "segment\tmallory@x.io\n")
        assert "taken for user ids, because they are nobody's address: 1 with an @" in done.stderr
        forget(world, VICTIM)  # once more is still about the user id
        world.warehouse.replace([(VIP, VICTIM, "mallory@x.io"), (VIP, "v1", VICTIM), BOB])
        assert skipped(world) == {"forgotten": 1}
        assert world.believed() >= {(VICTIM, "vip_buyers")}

    def test_a_name_that_is_both_is_the_address(self, world: World) -> None:
        mallory: Row = (VIP, VICTIM, "mallory@x.io")
        world.warehouse.replace([mallory, (VIP, "v1", VICTIM), BOB])
        world.sync()
        assert found(world, VICTIM) == forgetting.Found({"segment": [VICTIM]}, 1, 0)

        forget(world, VICTIM)

        world.warehouse.replace([mallory, (CHURN, VICTIM, "mallory@x.io"), (VIP, "v1", VICTIM), BOB])
        assert skipped(world) == {"forgotten": 1}
        assert world.believed() >= {("mallory@x.io", "vip_buyers"), ("mallory@x.io", "churn_risk")}

    @pytest.mark.parametrize("rows", [[(VIP, "v1", VICTIM)], []], ids=["not reached yet", "unknown"])
    def test_who_was_not_told_yet_is_known_by_the_address(self, world: World, rows: list[Row]) -> None:
        world.destination_extra += '\ncontacts = ["bob@x.io"]'
        world.warehouse.replace([*rows, BOB])
        world.sync()
        forget(world, VICTIM)
        world.destination_extra = world.destination_extra.replace('"bob@x.io"', f'"bob@x.io", "{VICTIM}"')
        world.warehouse.replace([(VIP, "v1", VICTIM), BOB])

        assert skipped(world) == {"forgotten": 1}
        assert world.believed() == {("bob@x.io", "vip_buyers")}

    def test_an_address_as_user_id_is_its_owners(self, world: World) -> None:
        """The user id stays what it was, the address has changed: both names are about both contacts."""
        world.warehouse.replace([(VIP, "ada@x.io", "ada@x.io"), BOB])
        world.sync()
        world.warehouse.replace([(VIP, "ada@x.io", "ada2@x.io"), BOB])
        world.sync()

        for name in ("ada@x.io", "ada2@x.io"):
            assert told(world, name) == {"segment": ["ada2@x.io", "ada@x.io"]}

    @pytest.mark.parametrize("name", ["Ada-7", "ada@x.io"])
    @pytest.mark.parametrize("before", [True, False])
    def test_where_the_contact_is_the_user_id_both_names_work(self, world: World, name: str, before: bool) -> None:
        world.destination_extra += '\nidentity = "user_id"'
        ada: Row = (VIP, "Ada-7", "ada@x.io")
        world.warehouse.replace([ada, BOB] if before else [BOB])
        world.sync()
        assert told(world, name) == ({"segment": ["Ada-7"]} if before else {})
        forget(world, name)
        events = world.receiver.event_count

        world.warehouse.replace([ada, (CHURN, "Ada-7", "ada@x.io"), BOB])

        assert skipped(world) == {"forgotten": 2}
        assert world.receiver.event_count == events
        assert "ada-7" not in dump(world)
        assert "ada@" not in dump(world)


class TestHowMany:
    """Contacts are counted, and more than one needs a yes."""

    def test_without_a_terminal_more_than_one_contact_needs_a_yes(self, world: World) -> None:
        world.warehouse.replace([*GUESTS, BOB])
        world.sync()
        before = dump(world)

        done = world.command("forget", "g3@x.io")

        assert done.returncode == 2
        assert "6 contacts would be forgotten, and nobody can be asked; `--yes` forgets them" in done.stderr
        assert dump(world) == before
        assert skipped(world) == {}
        assert world.command("forget", "g3@x.io", "--yes").returncode == 0
        assert skipped(world) == {"forgotten": 6}

    def test_names_from_standard_input_need_a_yes_too(self, world: World) -> None:
        world.warehouse.replace([*members(2), BOB])
        world.sync()

        assert world.command("forget", "-", typed="u0000\nu0001\n").returncode == 2
        assert skipped(world) == {}
        assert world.command("forget", "-", "--yes", typed="u0000\nu0001\n").returncode == 0
        assert skipped(world) == {"forgotten": 2}

    def test_a_user_id_of_many_contacts_is_nobodys(self, world: World) -> None:
        rows: list[Row] = [(VIP, "guest", f"g{number}@x.io") for number in range(101)]
        world.warehouse.replace(rows)
        world.sync()
        assert found(world, "g7@x.io").contacts == 1
        assert found(world, "guest").contacts == 101  # whoever names it means it

        assert world.command("forget", "g7@x.io").returncode == 0

        world.warehouse.replace([*rows, (CHURN, "guest", "g8@x.io")])
        assert skipped(world) == {"forgotten": 1}
        assert ("g8@x.io", "churn_risk") in world.believed()

    def test_the_same_person_at_two_destinations_is_one_contact(self, world: World) -> None:
        world.extra = (
            f'[[destinations]]\nname = "by user"\ntype = "segment"\nwrite_key = "test-write-key"\n'
            f'endpoint = "{world.receiver.url}"\nidentity = "user_id"\n'
        )
        world.warehouse.replace([(VIP, "u1", "a@x.io"), BOB])
        world.sync()

        assert found(world, "u1") == forgetting.Found({"by user": ["u1"], "segment": ["a@x.io"]}, 1, 0)
        forget(world, "a@x.io")
        assert "a@x.io" not in dump(world)
        assert all(not report.planned for report in world.sync().report.destinations)


def test_the_list_is_made_when_nobody_syncs_any_more(world: World) -> None:
    """A run tells the person's second contact while somebody wants to forget them."""
    world.warehouse.replace([(VIP, "u1", "a@x.io"), BOB])
    world.sync()
    world.warehouse.replace([(VIP, "u1", "a@x.io"), (CHURN, "u1", "b@x.io"), BOB])
    asked, answered = threading.Event(), threading.Event()

    def wait(_: object) -> None:
        asked.set()
        assert answered.wait(60)

    world.receiver.script = wait
    running = threading.Thread(target=world.sync)
    running.start()
    assert asked.wait(60)
    seen: list[forgetting.Found] = []
    state = State(world.state_url, "syncer")
    with world.state() as connection, pytest.raises(errors.SyncLockedError):
        control.forget(state, connection, ["u1"], seen.append, lambda: None)
    assert seen == []
    answered.set()
    running.join(60)
    world.receiver.script = None

    with world.state() as connection:
        control.forget(state, connection, ["u1"], seen.append, lambda: None)

    assert [each.told for each in seen] == [{"segment": ["a@x.io", "b@x.io"]}]


def test_nobody_is_forgotten_who_was_not_in_the_list(world: World) -> None:
    world.warehouse.replace([(VIP, "u1", "a@x.io"), BOB])
    world.sync()
    seen = found(world, "u1")
    world.warehouse.replace([(VIP, "u1", "a@x.io"), (CHURN, "u1", "b@x.io"), BOB])
    world.sync()
    before = dump(world)

    with world.state() as connection, pytest.raises(errors.NotOursError, match="nobody was forgotten"):
        forgetting.forget(connection, ["u1"], seen)

    assert dump(world) == before


@pytest.mark.usefixtures("unheld")
class TestAfterRetention:
    """Whoever is only in history that was dropped is found all the same."""

    @pytest.fixture(autouse=True)
    def _small(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A run a partition."""
        keep_together(monkeypatch, 1)

    @pytest.mark.parametrize("name", ["u1", "u2", "old@x.io"])
    def test_every_user_of_an_old_contact(self, world: World, name: str) -> None:
        world.warehouse.replace([(VIP, "u1", "old@x.io"), (VIP, "u2", "old@x.io"), BOB])
        world.sync()
        world.warehouse.replace([BOB])
        world.sync()
        drop_history(world)

        assert told(world, name) == {"segment": ["old@x.io"]}
        forget(world, name)

        assert "old@x.io" not in dump(world)
        assert world.verify().differences == 0

    def test_a_refusal_of_somebody_else_stays_that_lies_at_the_same_place_in_another_part(self, world: World) -> None:
        world.receiver.script = lambda _: Answer(400, body=b'{"message":"no"}')
        for name in ("ada", "bob"):
            world.warehouse.replace([(VIP, name, f"{name}@x.io")])
            world.sync()
        places = world.query("SELECT contact, ctid::text FROM sync_exception ORDER BY run_id")
        assert places == [("ada@x.io", "(0,1)"), ("bob@x.io", "(0,1)")]

        forget(world, "ada")

        (kept,) = world.query("SELECT contact, reason FROM sync_exception WHERE run_id = 2")
        assert kept[0] == "bob@x.io"
        assert kept[1].endswith("no")

    @pytest.mark.parametrize("name", ["u1", "old@x.io", "new@x.io"])
    def test_an_address_that_somebody_else_has_now(self, world: World, name: str) -> None:
        """u1 moved on; the old address left, and came back with u3."""
        for address, *others in (("old@x.io",), ("new@x.io",), ("new@x.io", (VIP, "u3", "old@x.io"))):
            world.warehouse.replace([(VIP, "u1", address), *others, BOB])
            world.sync()
            drop_history(world)

        assert told(world, name) == {"segment": ["new@x.io", "old@x.io"]}

    @pytest.mark.parametrize("name", ["u1", "old@x.io", "new@x.io"])
    @pytest.mark.parametrize("gone", [True, False])
    def test_an_old_address_of_a_contact_that_is_a_user_id(self, world: World, name: str, gone: bool) -> None:
        world.destination_extra += '\nidentity = "user_id"'
        for rows in ([(VIP, "u1", "old@x.io")], [(VIP, "u1", "new@x.io")], [] if gone else [(VIP, "u1", "new@x.io")]):
            world.warehouse.replace([*rows, BOB])
            world.sync()
        drop_history(world)

        assert told(world, name) == {"segment": ["u1"]}
        forget(world, name)

        found_there = dump(world)
        assert "old@x.io" not in found_there
        assert "new@x.io" not in found_there

    def test_who_was_refused_was_told(self, world: World) -> None:
        world.warehouse.replace([(VIP, "u1", "old@x.io")])
        world.receiver.script = lambda request: Answer(400, body=b'{"message":"no"}')
        world.sync()
        world.receiver.script = None
        world.warehouse.replace([BOB])
        world.sync()
        drop_history(world)

        assert told(world, "u1") == {"segment": ["old@x.io"]}


class TestTheMemory:
    """Whoever is forgotten is skipped until a snapshot that nobody doubts does not have them."""

    ADA: Row = (VIP, "ada", "ada@x.io")
    OTHERS = members(9)

    @pytest.fixture
    def forgotten(self, world: World) -> World:
        """Ada is forgotten, and still in the warehouse."""
        world.extra = "[guard]\nmin_removed = 2\n"
        world.warehouse.replace([self.ADA, *self.OTHERS])
        world.sync()
        forget(world, "ada")
        return world

    def assert_remembered(self, world: World) -> None:
        world.warehouse.replace([self.ADA, *self.OTHERS])
        before = world.receiver.event_count
        assert skipped(world)["forgotten"] == 1
        assert "ada@x.io" not in [each.event["traits"]["email"] for each in world.receiver.events[before:]]

    @pytest.mark.parametrize("rows", [[], OTHERS[:3]], ids=["empty", "held"])
    def test_a_snapshot_that_the_guard_holds_does_not_end_it(self, forgotten: World, rows: list[Row]) -> None:
        forgotten.warehouse.replace(rows)
        assert forgotten.sync().report.status == "held"
        self.assert_remembered(forgotten)

    def test_an_empty_snapshot_of_a_state_without_anybody_else_does_not(self, world: World) -> None:
        world.warehouse.replace([self.ADA])
        world.sync()
        forget(world, "ada")
        world.warehouse.replace([])
        world.sync()
        world.warehouse.replace([self.ADA])
        assert skipped(world) == {"forgotten": 1}

    def test_a_run_about_one_audience_does_not(self, forgotten: World) -> None:
        forgotten.warehouse.replace([(CHURN, "eve", "eve@x.io"), *self.OTHERS])
        forgotten.sync(audiences=[CHURN])
        self.assert_remembered(forgotten)

    @pytest.mark.parametrize("paused", [(), (VIP,)])
    def test_a_run_that_judges_nothing_does_not(self, forgotten: World, paused: tuple[str, ...]) -> None:
        forgotten.pause(*paused)
        forgotten.warehouse.replace(self.OTHERS)
        forgotten.sync()
        forgotten.resume(*paused)
        self.assert_remembered(forgotten)

    def test_a_run_to_one_of_two_destinations_does_not(
        self, forgotten: World, new_database: Callable[..., str], tmp_path: Path
    ) -> None:
        with SegmentReceiver("test-write-key") as other:
            forgotten.extra += (
                '[[destinations]]\nname = "second"\ntype = "segment"\nwrite_key = "test-write-key"\n'
                f'endpoint = "{other.url}"\n'
            )
            forgotten.warehouse.replace(self.OTHERS)
            forgotten.sync(destination_names=["second"])
            forgotten.warehouse.replace([self.ADA, *self.OTHERS])
            reports = forgotten.sync().report.destinations
        assert [dict(report.skipped) for report in reports] == [{"forgotten": 1}] * 2

    def test_a_snapshot_that_is_believed_ends_it(self, forgotten: World) -> None:
        forgotten.warehouse.replace(self.OTHERS[1:])
        assert forgotten.sync().report.status == "succeeded"
        assert forgotten.query("SELECT * FROM forgotten") == []
        forgotten.warehouse.replace([self.ADA, *self.OTHERS])
        assert skipped(forgotten) == {}
        assert ("ada@x.io", "vip_buyers") in forgotten.believed()

    def test_what_was_approved_is_believed(self, forgotten: World) -> None:
        forgotten.warehouse.replace(self.OTHERS[:3])
        forgotten.approve(forgotten.sync().report.run_id)
        assert forgotten.sync().report.status == "succeeded"
        assert forgotten.query("SELECT * FROM forgotten") == []
