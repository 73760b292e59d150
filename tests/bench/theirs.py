"""What a user could pick instead, and the bare comparisons that any of them can be measured by.

Rivals live in environments of their own, which are made when they are needed.
"""

import json
import subprocess
import sys
import venv
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import psycopg
import sqlalchemy

from tests.bench.contestants import INITIAL, SYNCS, Contestant, Place

_SEGMENT = "segment-analytics-python 2.4.0"
JOIN = "bare full outer hash join"
SCRIPT = f"script: full join + {_SEGMENT}"
PROGRAMS = Path(__file__).parent / "rivals"

ENVIRONMENTS: Mapping[str, Sequence[str]] = {
    "segment": ("segment-analytics-python==2.4.0", "psycopg[binary]>=3.2"),
    "drt": ("drt-core[postgres]==1.2.1",),
    "dlt": ("dlt[postgres,parquet]==1.31.0", "psycopg2-binary", "requests"),
    "reladiff": ("reladiff[postgresql]==0.6.0",),
}


class NotInstalledError(Exception):
    """A rival that cannot be installed on this machine."""


def python_of(folder: Path, name: str | None) -> Path:
    """The interpreter of an environment, which is made if it is not there yet; ours if it has no name."""
    if name is None:
        return Path(sys.executable)
    home = folder / "environments" / name
    python = home / "bin" / "python"
    ready = home / "ready"
    if not ready.exists():
        venv.create(home, clear=True, with_pip=True)
        install = [str(python), "-m", "pip", "install", "-q", *ENVIRONMENTS[name]]
        done = subprocess.run(install, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NotInstalledError(f"{ENVIRONMENTS[name][0]}: {done.stderr.strip().splitlines()[-1]}")
        ready.touch()
    return python


def _reset_script(place: Place) -> None:
    for statement in (
        "DROP SCHEMA IF EXISTS script CASCADE",
        "CREATE SCHEMA script",
        "CREATE TABLE script.synced (audience text NOT NULL, user_id text NOT NULL, email text NOT NULL)",
        "CREATE TABLE script.change (audience text, user_id text, email text, entered boolean)",
    ):
        place.server.run(statement)


def _learn_script(place: Place) -> None:
    _reset_script(place)
    place.server.run("INSERT INTO script.synced SELECT audience, user_id, email FROM warehouse.before")
    place.server.run("VACUUM (ANALYZE) script.synced")


def _write_people(place: Place) -> None:
    """Writes what a sender without a database is to send: a line of JSON per contact."""
    with psycopg.connect(place.server.url) as source, (place.folder / "people").open("wb") as file:
        people = source.cursor().copy("""
            COPY (
                SELECT jsonb_build_object('user_id', min(user_id), 'traits', jsonb_build_object('email', email)
                    || jsonb_object_agg(lower(replace(audience, ' ', '_')), true))
                FROM warehouse.clean
                GROUP BY email
            ) TO STDOUT
        """)
        with people as lines:
            for block in lines:
                file.write(block)


def _run_program(
    place: Place, _scenario: str, *, program: str, environment: str | None, arguments: Sequence[str]
) -> Sequence[str]:
    given = {
        "URL": place.server.url,
        "ENDPOINT": place.endpoint,
        "FOLDER": str(place.folder / "dlt"),
        "PEOPLE": str(place.folder / "people"),
    }
    python = python_of(place.folder, environment)
    return [str(python), str(PROGRAMS / program), *(given.get(argument, argument) for argument in arguments)]


def _program(name: str, program: str, environment: str | None, *arguments: str, **more: object) -> Contestant:
    command = partial(_run_program, program=program, environment=environment, arguments=arguments)
    return Contestant(name, command, **more)  # type: ignore[arg-type]


def _comparison(name: str, how: str, *, quick: bool = False) -> Contestant:
    return _program(
        name, "compare.py", None, how, "URL", compares=True, scenarios=_KNOWN, learn=_learn_script, quick=quick
    )


def _script(name: str, how: str) -> Contestant:
    return _program(
        name,
        "script.py",
        "segment",
        how,
        "URL",
        "ENDPOINT",
        reset=_reset_script,
        learn=_learn_script,
        cannot="no history, no guard, lost answers unnoticed, all told again after a crash",
        quick=True,
    )


def _reladiff(place: Place, _scenario: str) -> Sequence[str]:
    """reladiff takes no Unix socket in its addresses; libpq takes it from the environment."""
    program = python_of(place.folder, "reladiff").with_name("reladiff")
    url = sqlalchemy.make_url(place.server.url)
    host, port = url.query.get("host") or url.host, url.query.get("port") or url.port
    address = f"postgresql://{url.username}@/{url.database}"
    keys = ["-k", "audience", "-k", "user_id", "-c", "email", "--algorithm", "joindiff", "--stats"]
    return [
        "env",
        f"PGHOST={host}",
        f"PGPORT={port}",
        str(program),
        address,
        "script.synced",
        "warehouse.member",
        *keys,
    ]


_DRT_MODEL = (
    "SELECT email, min(user_id) AS user_id, jsonb_object_agg(lower(replace(audience, ' ', '_')), true) AS traits,"
    " max(updated_at) AS updated_at FROM warehouse.clean GROUP BY email"
)
_DRT_BATCH = (
    '{"batch": [{% for row in rows %}{"type": "identify", "userId": {{ row.user_id | tojson_safe }}, "traits":'
    ' {"email": {{ row.email | tojson_safe }}, {{ (row.traits | tojson_safe)[1:] }}}{% if not loop.last %},{% endif %}'
    "{% endfor %}]}"
)


def _drt(place: Place, _scenario: str) -> Sequence[str]:
    """Writes a project as drt's documentation shows one, without its default limit of ten requests a second."""
    url = sqlalchemy.make_url(place.server.url)
    project = place.folder / "drt"
    (project / "syncs").mkdir(parents=True, exist_ok=True)
    profiles = project / "home" / ".drt"
    profiles.mkdir(parents=True, exist_ok=True)
    profile = {
        "type": "postgres",
        "host": url.host or url.query.get("host"),
        "port": url.port or 5432,
        "dbname": url.database,
        "user": url.username,
        "password": url.password or "none",
    }
    sync = {
        "name": "audiences",
        "model": _DRT_MODEL,
        "destination": {
            "type": "rest_api",
            "url": f"{place.endpoint}/v1/batch",
            "method": "POST",
            "headers": {"Content-Type": "application/json"},
            "body_mode": "batch",
            "max_records_per_request": 500,
            "batch_template": _DRT_BATCH,
            "rate_limit": {"requests_per_second": 1_000_000},
        },
        "sync": {"mode": "incremental", "cursor_field": "updated_at", "batch_size": 5000, "on_error": "skip"},
    }
    # JSON is YAML.
    (profiles / "profiles.yml").write_text(json.dumps({"bench": profile}))
    (project / "drt_project.yml").write_text(json.dumps({"name": "bench", "version": "0.1", "profile": "bench"}))
    (project / "syncs" / "audiences.yml").write_text(json.dumps(sync))
    program = python_of(place.folder, "drt").with_name("drt")
    return ["env", f"HOME={project / 'home'}", "DO_NOT_TRACK=1", "sh", "-c", f"cd {project} && exec {program} run"]


def _forget_folder(place: Place, *, name: str) -> None:
    subprocess.run(["rm", "-rf", str(place.folder / name)], check=True)


_KNOWN = tuple(each for each in SYNCS if each != INITIAL)
_NO_REMOVALS = "finds who entered by a cursor; who left has no row, so it is never told false"

COMPARISONS: Sequence[Contestant] = (
    _comparison("floor: read both sides", "floor"),
    _comparison(JOIN, "hash_join", quick=True),
    _comparison("EXCEPT both ways", "except"),
    _comparison("pull the rows to a client", "pull"),
    Contestant(
        "reladiff 0.6.0 (joindiff)",
        _reladiff,
        compares=True,
        scenarios=_KNOWN,
        learn=_learn_script,
        cannot="compares only",
    ),
)

RIVALS: Sequence[Contestant] = (
    _program(
        f"{_SEGMENT}, bare sends",
        "send_only.py",
        "segment",
        "PEOPLE",
        "ENDPOINT",
        scenarios=(INITIAL,),
        prepare=_write_people,
        cannot="reads no database, compares nothing, keeps nothing",
    ),
    _script(SCRIPT, "full_join"),
    _script(f"script: EXCEPT + {_SEGMENT}", "except"),
    Contestant(
        "drt-core 1.2.1",
        _drt,
        reset=partial(_forget_folder, name="drt"),
        cannot=_NO_REMOVALS,
    ),
    _program(
        "dlt 1.31.0, custom destination",
        "dlt_run.py",
        "dlt",
        "URL",
        "ENDPOINT",
        "FOLDER",
        reset=partial(_forget_folder, name="dlt"),
        cannot=_NO_REMOVALS,
        variables={"RUNTIME__DLTHUB_TELEMETRY": "false", "LOAD__WORKERS": "4"},
    ),
)
