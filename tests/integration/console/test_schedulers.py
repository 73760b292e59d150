"""The examples of syncer/deploy/schedulers.md, each against a real console.

Of other programs there are stand-ins; on request, Airflow and Dagster themselves.
"""

import hashlib
import hmac
import io
import json
import os
import re
import subprocess
import sys
import types
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.engines.test_extras import install
from tests.integration.console.conftest import GUARDED, TOKEN, Served
from tests.world import GUARD_FROM_TWO, World, members

TEXT = (Path(__file__).parents[3] / "syncer" / "deploy" / "schedulers.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"<!-- example: (\w+) -->\n```\w+\n(.*?)```", TEXT, re.DOTALL))


def environment(url: str) -> dict[str, str]:
    return {**os.environ, "SYNCER_URL": url.rstrip("/"), "SYNCER_CONSOLE_TOKEN": TOKEN}


@pytest.fixture
def console(world: World, served: Served, monkeypatch: pytest.MonkeyPatch) -> httpx.Client:
    """A console, where the examples look for it."""
    world.extra = GUARDED + GUARD_FROM_TWO
    world.warehouse.replace(members(3))
    client = served(world)
    for name, value in environment(str(client.base_url)).items():
        monkeypatch.setenv(name, value)
    return client


@pytest.fixture
def runs(console: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """The module that the examples of Python import."""
    return module("syncer_runs", EXAMPLES["python"], monkeypatch)


def module(name: str, text: str, monkeypatch: pytest.MonkeyPatch, **known: object) -> types.ModuleType:
    made = types.ModuleType(name)
    vars(made).update(known)
    exec(compile(text, name, "exec"), vars(made))
    monkeypatch.setitem(sys.modules, name, made)
    return made


def statuses(world: World) -> list[str]:
    return [status for (status,) in world.query("SELECT status FROM sync_runs ORDER BY run_id")]


def test_every_example_is_tested() -> None:
    assert set(EXAMPLES) == {"curl", "github", "python", "airflow", "dagster", "dbt"}


def test_the_script_waits_for_its_run(world: World, console: httpx.Client, tmp_path: Path) -> None:
    script = tmp_path / "syncer-run"
    script.write_text(EXAMPLES["curl"])

    def run(**changed: str) -> subprocess.CompletedProcess[str]:
        given = {**environment(str(console.base_url)), **changed}
        return subprocess.run(["bash", script], env=given, capture_output=True, text=True, timeout=120, check=False)

    assert (run().returncode, statuses(world)) == (0, ["succeeded"])
    refused = run(SYNCER_CONSOLE_TOKEN="wrong")
    assert (refused.returncode, refused.stderr) == (1, "no run has begun\n")
    world.warehouse.replace([])
    held = run()
    assert (held.returncode, held.stderr) == (1, "run 2: held\n")


def test_the_workflow_runs_the_script() -> None:
    workflow = yaml.safe_load(EXAMPLES["github"])
    [job] = workflow["jobs"].values()
    assert job["steps"][0]["run"] == "/usr/local/bin/syncer-run"
    assert {"SYNCER_URL", "SYNCER_CONSOLE_TOKEN"} == set(job["env"])


def test_python_begins_a_run_and_waits(world: World, runs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert runs.sync() == (1, "succeeded")
    monkeypatch.setenv("SYNCER_CONSOLE_TOKEN", "wrong")
    with pytest.raises(RuntimeError, match="no run has begun: 401"):
        runs.sync()


def test_airflow(world: World, runs: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def decorator(*_: object, **__: object) -> Callable[[Any], Any]:
        return lambda function: function

    stand_in = types.SimpleNamespace(dag=decorator, task=decorator)
    monkeypatch.setitem(sys.modules, "airflow", types.SimpleNamespace(sdk=stand_in))
    monkeypatch.setitem(sys.modules, "airflow.sdk", stand_in)
    module("audiences_dag", EXAMPLES["airflow"], monkeypatch)
    assert capsys.readouterr().out.endswith("run 1: succeeded\n")
    assert statuses(world) == ["succeeded"]


def test_dagster(world: World, runs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made = {name: (lambda **given: given) for name in ("RetryPolicy", "MaterializeResult", "Definitions")}
    stand_in = types.SimpleNamespace(
        **{**made, "MaterializeResult": dict},
        asset=lambda **_: lambda function: function,
        define_asset_job=lambda name: name,
    )
    monkeypatch.setitem(sys.modules, "dagster", stand_in)
    definitions = module("dagster_definitions", EXAMPLES["dagster"], monkeypatch)
    assert definitions.synced_audiences() == {"metadata": {"run": 1, "outcome": "succeeded"}}
    assert statuses(world) == ["succeeded"]


def test_dbt_cloud_is_believed_by_its_signature(world: World, runs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBT_SECRET", "shown-once")
    relay: Any = module("relay", EXAMPLES["dbt"], monkeypatch)

    def post(event: object, secret: bytes = b"shown-once") -> str:
        body, answers = json.dumps(event).encode(), []
        signature = hmac.new(secret, body, hashlib.sha256).hexdigest()
        environ = {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": len(body), "HTTP_AUTHORIZATION": signature}
        relay.application(environ, lambda status, headers: answers.append(status))
        return str(answers[0][:3])

    succeeded = {"eventType": "job.run.completed", "data": {"runStatus": "Success"}}
    assert post(succeeded, b"guessed") == "401"
    assert post({"eventType": "job.run.completed", "data": {"runStatus": "Errored"}}) == "200"
    assert statuses(world) == []
    assert post(succeeded) == "200"
    assert runs.ended(1) == "succeeded"


# --- by the programs themselves, from the index: `.ci/run extras`


def program(folder: Path, package: str) -> Path:
    """Where the programs of a package are, in an environment of their own. Beside it lies what the examples import."""
    venv.create(folder / "env", with_pip=True)
    install(folder / "env" / "bin" / "python", package)
    (folder / "syncer_runs.py").write_text(EXAMPLES["python"])
    return folder / "env" / "bin"


def run(*command: str | Path, folder: Path, **also: str) -> None:
    given = {**environment(os.environ["SYNCER_URL"]), "PYTHONPATH": str(folder), **also}
    done = subprocess.run(command, cwd=folder, env=given, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.extras
@pytest.mark.timeout(1500)
def test_dagster_itself(world: World, console: httpx.Client, tmp_path: Path) -> None:
    programs = program(tmp_path, "dagster>=1.13")
    (tmp_path / "definitions.py").write_text(EXAMPLES["dagster"])
    execute = ("job", "execute", "-f", "definitions.py", "-j", "sync_audiences")
    run(programs / "dagster", *execute, folder=tmp_path, DAGSTER_HOME=str(tmp_path))
    assert statuses(world) == ["succeeded"]


@pytest.mark.extras
@pytest.mark.timeout(1500)
def test_airflow_itself(world: World, console: httpx.Client, tmp_path: Path) -> None:
    programs = program(tmp_path, "apache-airflow>=3.3")
    (tmp_path / "audiences_dag.py").write_text(EXAMPLES["airflow"])
    settings = {
        "AIRFLOW_HOME": str(tmp_path / "home"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(tmp_path),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }
    (tmp_path / ".airflowignore").write_text("env/\nhome/\n")
    run(programs / "airflow", "db", "migrate", folder=tmp_path, **settings)
    run(programs / "airflow", "dags", "test", "audiences", folder=tmp_path, **settings)
    assert statuses(world) == ["succeeded"]
