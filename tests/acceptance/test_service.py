"""The systemd unit: systemd itself reads it, and the whole program runs under what it forbids."""

import ctypes.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

UNIT = Path(__file__).parents[2] / "syncer" / "deploy" / "syncer.service"

MOST = 1.3
"""The exposure that systemd may find, of 10: what is left are the network, and the root directory of the host."""

pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")

RESTRICTED = """
import ctypes, json, os, sys

NO_NEW_PRIVILEGES, NO_WRITABLE_CODE, ALLOW, REFUSE = 38, 65, 0x7FFF0000, 0x00050001
system, seccomp = ctypes.CDLL(None), ctypes.CDLL("libseccomp.so.2")
seccomp.seccomp_init.restype = ctypes.c_void_p
allowed = ctypes.c_void_p(seccomp.seccomp_init(REFUSE))
for name in json.loads(sys.argv[1]):
    number = seccomp.seccomp_syscall_resolve_name(name.encode())
    assert number < 0 or seccomp.seccomp_rule_add(allowed, ALLOW, number, 0) == 0, name
assert system.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0) == 0
system.prctl(NO_WRITABLE_CODE, 1, 0, 0, 0)  # from Linux 6.3 on
assert seccomp.seccomp_load(allowed) == 0
os.execv(sys.argv[2], sys.argv[2:])
"""
"""Runs a program that may make these system calls only, and no memory executable that it has written."""


def test_systemd_finds_no_fault_and_little_that_is_exposed(tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/opt/syncer/bin/syncer", sys.executable))
    verified = analyze("verify", "--man=no", str(unit))
    assert (verified.returncode, verified.stderr) == (0, "")

    exposure = analyze("security", "--offline=true", f"--threshold={round(10 * MOST)}", str(unit))

    assert exposure.returncode == 0, exposure.stdout


@pytest.mark.skipif(ctypes.util.find_library("seccomp") is None, reason="libseccomp is not installed")
def test_the_whole_demo_runs_under_what_the_unit_forbids(tmp_path: Path) -> None:
    """An embedded PostgreSQL, receivers, commands: with the unit's system calls, without rights, as nobody known."""
    plain = ["unshare", "--user", "--map-user=10001", "--map-group=10001"]
    if subprocess.run([*plain, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no user namespaces here")
    refused = [sys.executable, "-c", "import os; os.chroot('/')"]
    demo = [str(Path(sys.executable).with_name("syncer")), "demo"]

    ends = [
        subprocess.run(
            [*plain, sys.executable, "-c", RESTRICTED, json.dumps(allowed_calls()), *command],
            cwd=tmp_path,
            env={"PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )
        for command in (refused, demo)
    ]

    assert "PermissionError" in ends[0].stderr
    assert ends[1].returncode == 0, ends[1].stderr
    assert "both receivers believed exactly what the" in ends[1].stdout


def allowed_calls() -> list[str]:
    """The names of the system calls that the unit allows."""
    filters = re.findall(r"^SystemCallFilter=(~?)(.*)$", UNIT.read_text(), re.MULTILINE)
    calls: set[str] = set()
    for excluded, groups in filters:
        named = {call for group in groups.split() for call in calls_of(group)}
        calls = calls - named if excluded else calls | named
    assert {"read", "execve"} <= calls
    return sorted(calls)


def calls_of(group: str) -> set[str]:
    lines = [line.strip() for line in analyze("syscall-filter", group).stdout.splitlines()[1:]]
    parts = [calls_of(line) if line.startswith("@") else {line} for line in lines if line and not line.startswith("#")]
    return set().union(*parts)


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)
