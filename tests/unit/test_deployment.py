"""The deployment files fit the repository and each other. The tests only read them: Docker and systemd do not run."""

import configparser
import re
import tomllib
from pathlib import Path

import yaml

from syncer.cli.main import cli
from syncer.warehouses.extras import EXTRAS

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


def test_every_dependency_has_a_pinned_release_with_hashes() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    development = pinned(ROOT / ".ci" / "constraints.txt")
    image = pinned(DEPLOY / "requirements.txt")
    assert names([*project["dependencies"], *extras["alerts"], *extras["duckdb"]]) <= {name for name, _ in image}
    # Drivers of other warehouses are installed by whom they concern; the tests have environments of their own for them.
    own = {extra: needs for extra, needs in extras.items() if extra == "duckdb" or extra not in EXTRAS.values()}
    assert names([each for needs in own.values() for each in needs]) - {project["name"]} <= {
        name for name, _ in development
    }
    build = pinned(DEPLOY / "build.txt")
    assert {name for name, _ in build} >= {"hatchling"}
    assert {*image, *build} <= set(development)


def pinned(file: Path) -> list[tuple[str, str]]:
    """The name, and the version and the hashes, of each release in a file. Markers say where it is needed."""
    text = file.read_text()
    assert not re.search(r"https?:|file:", text), "says where, and not only what"
    releases = re.findall(
        r"^([a-z0-9.-]+)(==\S+[^\n]*\n(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", text, re.MULTILINE
    )
    assert "".join(name + rest for name, rest in releases) == text
    return [(name, re.sub(r" ; [^\\\n]+", " ", rest)) for name, rest in releases]


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=]", each)[0] for each in requirements}


def test_actions_and_images_are_released_versions_that_an_updater_knows() -> None:
    files = [*(ROOT / ".github" / "workflows").iterdir(), DEPLOY / "review.yml"]
    workflows = [path.read_text() for path in files]
    used = re.findall(r"uses: (\S+)", "".join(workflows))
    assert used
    assert [each for each in used if not re.fullmatch(r"actions/[a-z-]+@v\d+\.\d+\.\d+", each)] == []
    images = "".join((DEPLOY / name).read_text() for name in ("Dockerfile", "compose.yaml"))
    pulled = set(re.findall(r"(?:FROM|image:) (\S+)", images)) - {"syncer"}
    assert [each for each in pulled if not re.fullmatch(r"[a-z]+:\d+\.\d+(\.\d+)?(-slim)?", each)] == []
    updated = re.findall(r"package-ecosystem: (\S+)", (ROOT / ".github" / "dependabot.yml").read_text())
    assert updated == ["pip", "github-actions", "docker", "docker-compose"]


def test_compose_waits_for_the_server_that_stays_and_declares_what_it_mounts() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    services = compose["services"]
    assert services["postgres"]["healthcheck"]["test"][1:4] == ["pg_isready", "--host", "127.0.0.1"]
    mounted = {each.split(":")[0] for service in services.values() for each in service["volumes"]}
    assert mounted - {"./syncer.toml"} == set(compose["volumes"])
    for name in ("syncer", "migrate"):
        assert services[name]["command"][0] in cli.commands
        assert services[name]["read_only"]
        assert services[name]["cap_drop"] == ["ALL"]
        assert services[name]["security_opt"] == ["no-new-privileges:true"]
    waits = {name: service.get("depends_on", {}) for name, service in services.items()}
    assert waits["syncer"]["migrate"]["condition"] == "service_completed_successfully"
    assert waits["migrate"]["postgres"]["condition"] == "service_healthy"


def test_the_unit_is_hardened_and_waits_for_pages_in_flight() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(DEPLOY / "syncer.service")
    service = unit["Service"]
    assert service["ExecStart"].endswith(" daemon")
    assert (service["NoNewPrivileges"], service["ProtectSystem"], service["DynamicUser"]) == ("yes", "strict", "yes")
    assert int(service["TimeoutStopSec"].removesuffix("s")) > 30
    assert (service["ExecReload"], service["RestartPreventExitStatus"]) == ("/bin/kill -HUP $MAINPID", "2 3")
