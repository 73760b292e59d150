"""What the environment says of other databases is not about the embedded one."""

from pathlib import Path

import psycopg
import pytest

from syncer import embedded, errors

OF_OTHERS = {
    "PGOPTIONS": "-garbage",
    "PGCONNECT_TIMEOUT": "soon",
    "PGHOST": "elsewhere.invalid",
    "PGHOSTADDR": "192.0.2.1",
    "PGPORT": "1",
    "PGUSER": "nobody",
    "PGDATABASE": "nothing",
    "PGREQUIREPEER": "nobody",
    "PGSSLMODE": "verify-full",
    "PGCHANNELBINDING": "require",
    "PGTARGETSESSIONATTRS": "standby",
}


def test_the_client_librarys_variables_are_about_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in OF_OTHERS.items():
        monkeypatch.setenv(name, value)
    with embedded.running(tmp_path / "data") as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT current_database(), current_user").fetchone() == ("syncer", "syncer")


def test_a_service_is_refused_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSERVICE", "nope")
    with pytest.raises(errors.ConfigError, match="PGSERVICE: names the service"), embedded.running(tmp_path / "data"):
        pass
    assert not (tmp_path / "data").exists()
