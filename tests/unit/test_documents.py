"""What the documents name exists: files, commands and their options, views, keys. And README.md stays short."""

import re
from pathlib import Path

import pytest

from syncer import opening
from syncer.cli.main import cli

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = sorted(
    [
        *ROOT.glob("*.md"),
        *(path for name in (".github", "sql", "syncer", "tests") for path in (ROOT / name).rglob("*.md")),
    ]
)
documents = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))

LINK = re.compile(r"\]\((?!https?://)([^)]+)\)")
CODE = re.compile(r"^```\w*\n(.*?)^```|`([^`\n]+)`", re.DOTALL | re.MULTILINE)
FILE = re.compile(r"(?<![\w/.-])(?:syncer|sql|tests|\.ci|\.github)/[\w./-]*\w")
COMMAND = re.compile(r"\bsyncer ([a-z]+)((?: --[a-z]+)*)")
EXAMPLES = {"syncer/destinations/acme.py"}
"""Files that the documents tell people to write."""


def code(document: Path) -> str:
    """What a document shows as code, in blocks and in lines."""
    return "\n".join("".join(found) for found in CODE.findall(document.read_text(encoding="utf-8")))


def anchors(document: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a document."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def test_the_readme_has_at_most_300_lines() -> None:
    assert len(README.splitlines()) <= 300


@documents
def test_every_link_leads_somewhere(document: Path) -> None:
    for link in LINK.findall(document.read_text(encoding="utf-8")):
        name, _, anchor = link.partition("#")
        target = document.parent / name if name else document
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@documents
def test_every_file_exists(document: Path) -> None:
    assert [name for name in FILE.findall(code(document)) if name not in EXAMPLES and not (ROOT / name).exists()] == []


@documents
def test_every_command_exists_with_its_options(document: Path) -> None:
    for name, options in COMMAND.findall(code(document)):
        assert name in cli.commands, name
        known = {option for parameter in cli.commands[name].params for option in parameter.opts}
        assert set(options.split()) <= known, name


def test_every_command_is_in_the_readme() -> None:
    named = set(re.findall(r"[a-z]+", code(ROOT / "README.md")))
    assert set(cli.commands) <= named


def test_every_view_of_the_history_is_in_the_readme() -> None:
    migrations = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "sql" / "migrations").glob("*.sql"))
    comments = re.findall(r"^COMMENT ON VIEW (\w+) IS '(.*)';", migrations, re.MULTILINE)
    promised = {view for view, comment in comments if "no part of the contract" not in comment}
    section = README.partition("## History in SQL")[2].partition("\n## ")[0]
    shown = {name for line in section.splitlines() if line.startswith("|") for name in re.findall(r"`([a-z_]+)`", line)}
    assert "sync_runs" in promised
    assert promised <= shown


def test_the_configuration_in_the_readme_is_valid(tmp_path: Path) -> None:
    text = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)[0]
    config = tmp_path / "syncer.toml"
    config.write_text(text, encoding="utf-8")
    environment = dict.fromkeys(re.findall(r"\$\{(\w+)\}", text), "a-secret")
    settings = opening.load(config, environment)
    assert [destination.name for destination in settings.destinations] == ["segment", "mailmodo"]


def test_contributors_find_every_room() -> None:
    text = (ROOT / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rooms = [path.name for path in (ROOT / "syncer").iterdir() if (path / "__init__.py").exists()]
    assert [room for room in rooms if f"| `{room}/` |" not in text] == []


def test_every_attack_in_the_threat_model_has_what_stops_it_and_a_test_that_plays_it() -> None:
    text = (ROOT / ".github" / "SECURITY.md").read_text(encoding="utf-8")
    rows = [line.strip("|").split("|") for line in text.splitlines() if re.match(r"\| (?!could)", line)]
    assert len(rows) > 20
    for attack, stopped, played in rows:
        tests = re.findall(r"\]\(\.\./(tests/[\w/]+\.py)\)", played)
        assert stopped.strip(), attack
        assert tests, attack
        assert all("def test_" in (ROOT / test).read_text(encoding="utf-8") for test in tests), attack
