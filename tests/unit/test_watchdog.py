"""What the daemon tells systemd."""

import socket
from pathlib import Path

import pytest

from syncer.daemon.watchdog import Watchdog


def test_it_beats_as_often_as_it_has_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("syncer.daemon.watchdog.time.monotonic", lambda: now[0])
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(10)
        watched = Watchdog({"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "8000000"})
        for _ in range(5):
            watched.beat()
            now[0] += 1.0
        assert [systemd.recv(100) for _ in range(3)] == [b"WATCHDOG=1"] * 3
        systemd.setblocking(False)
        with pytest.raises(BlockingIOError):
            systemd.recv(100)


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"NOTIFY_SOCKET": "/nowhere"},
        *({"NOTIFY_SOCKET": "/no", "WATCHDOG_USEC": said} for said in ("9", "-9", "²", "٣", "9" * 5000)),
    ],
)
def test_where_nobody_asks_for_it_nothing_happens(environ: dict[str, str]) -> None:
    Watchdog(environ).beat()
