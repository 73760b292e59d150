"""The workflow of syncer/deploy/review.yml: its steps, with a stand-in for GitHub and its command."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.commands import SYNCER
from tests.world import VIP, World, members, truth

WORKFLOW = yaml.safe_load((Path(__file__).parents[2] / "syncer" / "deploy" / "review.yml").read_text(encoding="utf-8"))

GH = """#!/usr/bin/env bash
set -euo pipefail
case "$1 $2" in
    "pr comment") [ "$3 $4 $5" = "7 --body-file -" ] && cat >> "$GITHUB/comments" ;;
    "run list")
        [[ "$*" == *"--workflow audiences --event pull_request --commit $REVIEWED --status success"* ]]
        cat "$GITHUB/runs/$REVIEWED" 2> /dev/null || true ;;
    "run download") [ "$3 $4 $5" = "1 --name plan" ] && cp "$GITHUB/plan" plan.json ;;
    *) exit 2 ;;
esac
"""


def run(world: World, job: str, head: str = "c0ffee") -> bool:
    """Takes the steps of a job, as a runner would, in a folder of its own. Returns whether all went well."""
    github, folder = world.folder / "github", world.folder / job
    (github / "runs").mkdir(parents=True, exist_ok=True)
    (github / "gh").write_text(GH)
    (github / "gh").chmod(0o755)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    environment = {
        **os.environ, "PATH": f"{github}:{Path(SYNCER).parent}:{os.environ['PATH']}", "GITHUB": str(github),
        "GITHUB_WORKFLOW": WORKFLOW["name"], "PULL_REQUEST": "7", "REVIEWED": head,
    }  # fmt: skip
    well = True
    for step in WORKFLOW["jobs"][job]["steps"]:
        if well or step.get("if") == "always()":
            well = _take(world, step, folder, github, environment) and well
    if job == "plan" and well:
        (github / "runs" / head).write_text("1\n")
    return well


def _take(world: World, step: dict[str, Any], folder: Path, github: Path, environment: dict[str, str]) -> bool:
    match step.get("uses", "").partition("@")[0]:
        case "actions/checkout":
            shutil.copy(world.config, folder / "syncer.toml")
        case "actions/upload-artifact":
            shutil.copy(folder / step["with"]["path"], github / "plan")
        case _:
            assert "${{" not in step["run"], "whatever is in there would be taken for a part of the script"
            shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
            assert WORKFLOW["defaults"]["run"]["shell"] == "bash"
            done = subprocess.run(shell, cwd=folder, env=environment, capture_output=True, timeout=120, check=False)
            return done.returncode == 0
    return True


def comments(world: World) -> str:
    file = world.folder / "github" / "comments"
    said = file.read_text() if file.exists() else ""
    file.unlink(missing_ok=True)
    return said


def test_a_merge_sends_what_the_pull_request_showed_and_nothing_else(world: World) -> None:
    world.warehouse.replace(members(3))
    assert run(world, "plan")
    said = comments(world)
    assert said.startswith("A merge sends exactly this, or nothing:\n\n    ")
    assert "3 to tell" in said
    assert not run(world, "send", head="another")
    assert "no plan was made of another" in comments(world)

    world.warehouse.replace(members(4))
    assert not run(world, "send")
    assert f"segment, {VIP}: added 3 reviewed, 4 now" in comments(world)
    assert world.receiver.requests == []

    world.warehouse.replace(members(3))
    assert run(world, "send")
    assert "3 told" in comments(world)
    assert world.believed() == truth(members(3))


def test_a_plan_that_could_not_be_made_is_not_there_to_be_merged(world: World) -> None:
    world.extra = "[guard]\nready = 'SELECT false'\n"
    assert not run(world, "plan")
    assert comments(world).startswith("There is no plan:\n\n    ")
    assert not (world.folder / "github" / "plan").exists()
