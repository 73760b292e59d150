"""The command that is killed while it asks, and the daemon that asks by itself."""

import json
import signal
from collections.abc import Iterator

import pytest

from syncer.receivers.mailmodo import MailmodoReceiver
from tests.world import DEADLINE, World, members, until

KEY = "AAAAAAA-BBBBBBB"


@pytest.fixture
def mailmodo(world: World) -> Iterator[MailmodoReceiver]:
    """A second destination, which was told of sixty people and forgot one. It takes twenty requests a second."""
    with MailmodoReceiver(KEY) as receiver:
        world.destination_extra = f"""audiences = ["nothing"]
[[destinations]]
name = "mailmodo"
type = "mailmodo"
api_key = "{KEY}"
list_name = "Audiences"
endpoint = "{receiver.url}"
max_requests_per_second = 20
reconcile_every = "1d"
reconcile_sample = 10
"""
        world.extra = '[health]\nlisten = ""\n[schedule]\nevery = "1d"\njitter = "0s"\n'
        world.warehouse.replace(members(60))
        world.sync()
        del receiver.belief["u0007@x.io"]
        yield receiver
        assert receiver.violations == []


def asked(mailmodo: MailmodoReceiver) -> int:
    return len(mailmodo.requests)


def test_a_killed_command_goes_on_where_it_was(world: World, mailmodo: MailmodoReceiver) -> None:
    before = asked(mailmodo)
    with world.start("reconcile", "mailmodo", "--all") as killed:
        until(lambda: world.query("SELECT FROM reconciliations WHERE asked > 0"))
        killed.kill()
    done = world.process("reconcile", "mailmodo", "--all", "--json")

    assert done.returncode == 9
    assert "goes on with reconciliation 1" in done.stderr
    found = json.loads(done.stdout)
    assert [each["contact"] for each in found["differences"]] == ["u0007@x.io"]
    assert (found["reconciliation"]["asked"], found["reconciliation"]["equal"]) == (60, 59)
    assert asked(mailmodo) - before <= 60 + 50


def test_the_daemon_asks_by_itself(world: World, mailmodo: MailmodoReceiver) -> None:
    with world.start("daemon") as daemon:
        until(lambda: world.query("SELECT FROM reconciliations WHERE scheduled AND finished_at IS NOT NULL"))
        daemon.send_signal(signal.SIGTERM)
        _, said = daemon.communicate(timeout=DEADLINE)
    assert daemon.returncode == 0
    assert world.query("SELECT asked, contacts, sample FROM reconciliations") == [(10, 60, 10)]
    assert "u00" not in said
    assert "reconciled" in said
