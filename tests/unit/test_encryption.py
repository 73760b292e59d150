"""What is said of a session that others on the network can read."""

import pytest

from syncer.encryption import clear_text


@pytest.mark.parametrize("host", ["", "/var/run/postgresql", "@abstract", "127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_nothing_is_said_of_what_stays_on_this_machine(host: str) -> None:
    assert clear_text(host, encrypted=False) is None


@pytest.mark.parametrize("host", ["10.0.0.7", "db.internal", "fd00::7"])
def test_clear_text_to_another_machine_is_said(host: str) -> None:
    assert clear_text(host, encrypted=True) is None
    assert f"the connection to {host} is not encrypted" in (clear_text(host, encrypted=False) or "")
