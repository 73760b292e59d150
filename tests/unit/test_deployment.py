"""The deployment files fit the repository and each other. The tests only read them: Docker and systemd do not run."""

import configparser
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "syncer" / "deploy"


def test_the_image_copies_files_that_exist_and_does_not_run_as_root() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    copied = [line.split()[1:-1] for line in text.splitlines() if line.startswith("COPY ") and "--from" not in line]
    assert copied
    for name in [name for names in copied for name in names]:
        assert (ROOT / name).exists(), name
    assert re.search(r"^USER [1-9]\d*$", text, re.MULTILINE)
    assert "http://127.0.0.1:9464/healthz" in text


def test_the_unit_is_hardened_and_waits_for_pages_in_flight() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(DEPLOY / "syncer.service")
    service = unit["Service"]
    assert service["ExecStart"].endswith(" daemon")
    assert (service["NoNewPrivileges"], service["ProtectSystem"], service["DynamicUser"]) == ("yes", "strict", "yes")
    assert int(service["TimeoutStopSec"].removesuffix("s")) > 30
