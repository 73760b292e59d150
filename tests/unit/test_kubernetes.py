"""What the file for Kubernetes says of the program and of the image is so. Its form is what a schema is asked about."""

import re
from pathlib import Path, PurePosixPath
from typing import Any

import httpx
import pytest
import yaml

from syncer import __version__, config, opening
from syncer.cli.main import cli
from syncer.daemon import health
from syncer.daemon.lateness import Lookout
from syncer.schedule import Cadence
from syncer.state import State

DEPLOY = Path(__file__).parents[2] / "syncer" / "deploy"
READ = yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text(encoding="utf-8"))
OBJECTS: dict[str, Any] = {each["kind"]: each for each in READ}
FILES = OBJECTS["ConfigMap"]["data"]
POD = OBJECTS["Deployment"]["spec"]["template"]["spec"]
(DAEMON,) = POD["containers"]
CONTAINERS = [*POD["initContainers"], DAEMON]
EACH = pytest.mark.parametrize("container", CONTAINERS, ids=lambda container: container["name"])

IMAGE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")


@pytest.fixture
def settings(tmp_path: Path) -> config.Settings:
    """The configuration as the daemon reads it, with what its environment has."""
    (tmp_path / "syncer.toml").write_text(FILES["syncer.toml"], encoding="utf-8")
    secret = {each["name"]: "a-secret" for each in DAEMON["env"] if "valueFrom" in each}
    assert set(re.findall(r"\$\{(\w+)\}", FILES["syncer.toml"])) == set(secret)
    return opening.load(tmp_path / "syncer.toml", secret)


@EACH
def test_each_container_runs_a_command_of_ours_from_an_image_of_this_version(container: Any) -> None:
    assert [name for name in container["args"] if name not in cli.commands] == []
    assert "command" not in container
    assert container["image"].rpartition(":")[2] == __version__


@EACH
def test_the_configuration_is_where_the_command_looks_for_it(container: Any) -> None:
    mounted = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
    assert volumes("configMap") == {"configuration": {"name": OBJECTS["ConfigMap"]["metadata"]["name"]}}
    (path,) = [each["value"] for each in container["env"] if each["name"] == "SYNCER_CONFIG"]
    assert PurePosixPath(path).relative_to(mounted["configuration"]).name in FILES


@EACH
def test_what_is_written_outlasts_the_pod_or_is_temporary(container: Any) -> None:
    writable = {each["mountPath"]: each["name"] for each in container["volumeMounts"] if not each.get("readOnly")}
    (home,) = re.findall(r"^VOLUME (\S+)$", IMAGE, re.MULTILINE)
    assert f"XDG_STATE_HOME={home}/" in IMAGE
    claims, temporary = volumes("persistentVolumeClaim"), volumes("emptyDir")
    assert set(writable) == {home, "/tmp"}
    assert claims[writable[home]]["claimName"] == OBJECTS["PersistentVolumeClaim"]["metadata"]["name"]
    assert writable["/tmp"] in temporary


def volumes(kind: str) -> dict[str, Any]:
    return {each["name"]: each[kind] for each in POD["volumes"] if kind in each}


@EACH
def test_each_container_has_no_right_that_it_does_not_need(container: Any) -> None:
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert POD["securityContext"]["runAsNonRoot"]
    assert f"\nUSER {POD['securityContext']['runAsUser']}\n" in IMAGE
    assert POD["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert (POD["automountServiceAccountToken"], POD["enableServiceLinks"]) == (False, False)
    assert {"requests", "limits"} == set(container["resources"])


def test_the_probes_ask_what_the_daemon_answers_at_the_port_at_which_it_listens(settings: config.Settings) -> None:
    (port,) = DAEMON["ports"]
    (let_in,) = OBJECTS["NetworkPolicy"]["spec"]["ingress"][0]["ports"]
    assert settings.health.listen == f"0.0.0.0:{port['containerPort']}"
    assert let_in["port"] == port["containerPort"]
    probes = {kind: DAEMON[f"{kind}Probe"]["httpGet"] for kind in ("liveness", "readiness")}
    assert {each["port"] for each in probes.values()} == {port["name"]}
    state = State("postgresql://127.0.0.1:9/gone", "syncer")
    lookout = Lookout(state, Cadence(), 60)
    with health.serving("127.0.0.1:0", state, health.Health(60, lookout)) as server:
        answers = {
            kind: httpx.get(f"http://{server.address}{each['path']}").status_code for kind, each in probes.items()
        }
    assert answers == {"liveness": 200, "readiness": 503}  # it is alive, and does not lead


def test_pages_in_flight_may_end_and_one_daemon_is_gone_before_the_next(settings: config.Settings) -> None:
    assert POD["terminationGracePeriodSeconds"] > settings.daemon.shutdown_timeout + 10
    assert (OBJECTS["Deployment"]["spec"]["replicas"], OBJECTS["Deployment"]["spec"]["strategy"]) == (
        1,
        {"type": "Recreate"},
    )
    assert settings.state.url is not None


def test_the_labels_find_the_pod() -> None:
    spec = OBJECTS["Deployment"]["spec"]
    labels = spec["template"]["metadata"]["labels"]
    assert spec["selector"]["matchLabels"] == labels
    assert OBJECTS["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == labels


def test_the_secret_that_its_head_makes_has_every_key() -> None:
    head = (DEPLOY / "kubernetes.yaml").read_text(encoding="utf-8").partition("\napiVersion:")[0]
    (name,) = re.findall(r"create secret generic (\S+)", head)
    asked = [each["valueFrom"]["secretKeyRef"] for each in DAEMON["env"] if "valueFrom" in each]
    assert {each["name"] for each in asked} == {name}
    assert {each["key"] for each in asked} == set(re.findall(r"--from-literal=([\w-]+)=", head))
