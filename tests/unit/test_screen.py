"""What people read: the list of commands in the help, and values in tables."""

import re

import pytest

from syncer.cli import screen
from syncer.cli.main import cli
from tests import commands

SECTIONS = {
    "Set up": "init check schema migrate demo",
    "Run": "plan sync resync retry",
    "Look": "status history explain verify reconcile",
    "Control": "approve rollback retire pause resume forget",
    "Serve": "daemon console",
}


def test_the_help_groups_all_commands_and_cuts_no_summary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = commands.call(["--help"])
    assert shown.returncode == 0
    _, _, listed = shown.stdout.partition("Show this message and exit.\n\n")
    sections = dict(section.split(":\n", 1) for section in listed.split("\n\n"))
    lines = {title: re.findall(r"(?m)^  (\w+) +(\S.*\.)$", text) for title, text in sections.items()}

    assert {title: " ".join(name for name, _ in found) for title, found in lines.items()} == SECTIONS
    assert sum(len(text.splitlines()) for text in sections.values()) == len(cli.commands), "each fits into a line"
    assert not re.search(r"\.\.\.|…", listed)
    assert max(map(len, listed.splitlines())) <= 80


@pytest.mark.parametrize("name", ["COLUMNS", "LINES"])
@pytest.mark.parametrize("said", ["", "0", "²", "x", "-5", "9" * 5000])
def test_a_size_that_no_terminal_has_is_passed_over(monkeypatch: pytest.MonkeyPatch, name: str, said: str) -> None:
    monkeypatch.setenv(name, said)
    out, _ = screen.consoles()
    assert out.size.width > 1
    assert out.size.height > 1


def test_a_table_says_true_and_false(capsys: pytest.CaptureFixture[str]) -> None:
    screen.print_table(
        "was told", [{"value": True, "uncertain": False, "since": None}], ("value", "uncertain", "since")
    )
    assert capsys.readouterr().out.splitlines()[-1].split() == ["true", "false"]
