"""What is said before any database answers."""

from contextlib import closing
from pathlib import Path

import pytest

from syncer import addresses, encryption, errors, warehouses
from syncer.warehouses import dialects, generic


@pytest.mark.parametrize("address", ["nosuchdb://u:sesame@h/d", "mssql+pyodbc://u:sesame@h/d", "oracle://u:sesame@h/d"])
def test_a_database_without_a_driver(address: str) -> None:
    with pytest.raises(errors.ConfigError, match="nothing installed here can open") as caught:
        warehouses.open_warehouse(addresses.parse(address), {})
    assert "sesame" not in str(caught.value)


def test_an_address_that_its_dialect_does_not_understand() -> None:
    with pytest.raises(errors.ConfigError, match="not an address") as caught:
        warehouses.open_warehouse(addresses.parse("sqlite://u:sesame@h/d"), {})
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize("name", ["autocommit", "conninfo", "context", "cursor_factory", "row_factory"])
def test_how_rows_are_read_is_not_for_the_configuration_to_say(name: str) -> None:
    """With `autocommit` each source would be read at a moment of its own."""
    with pytest.raises(errors.ConfigError, match="no option of a connection to PostgreSQL") as caught:
        warehouses.open_warehouse(addresses.of_postgresql(addresses.parse("postgresql://h/d")), {name: True})
    [problem] = caught.value.problems
    assert (problem.path, problem.message.split(":")[0]) == ("warehouse.connect_args", name)


def test_a_dialect_that_shows_its_cipher_is_said_to_have_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    warehouse = warehouses.open_warehouse(addresses.parse(f"sqlite:///{tmp_path}/a.db"), {})
    (tmp_path / "a.db").touch()
    monkeypatch.setattr(encryption, "is_loopback", lambda host: False)
    monkeypatch.setattr(generic, "clear_text", lambda _, encrypted: encryption.clear_text("h", encrypted=encrypted))
    for cipher, said in (("''", 1), ("'TLS_AES_256'", 0)):
        monkeypatch.setattr(dialects, "CIPHER", {"sqlite": f"SELECT 'Ssl_cipher', {cipher}"})
        assert len(warehouse.caveats()) == said


def test_a_dialect_without_a_snapshot_of_several_statements_is_said_to_have_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse = warehouses.open_warehouse(addresses.parse(f"sqlite:///{tmp_path}/a.db"), {})
    known = warehouse.caveats()
    monkeypatch.setattr(dialects, "BEGIN", {})

    assert known == []
    assert "sqlite is read one statement a source, each as of its own moment" in warehouse.caveats()[0]


@pytest.mark.parametrize("refused", ["SET spark.no.such = true", "PRAGMA user_version = 7"])
def test_what_a_server_need_not_grant_is_asked_first_and_its_refusal_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: str
) -> None:
    """SQLite stands in for a Hive: it knows no SET, and writes nothing into a file that is opened to be read."""
    (tmp_path / "a.db").touch()
    monkeypatch.setattr(dialects, "WISHES", {"sqlite": (refused, "PRAGMA case_sensitive_like = ON")})
    warehouse = warehouses.open_warehouse(addresses.parse(f"sqlite:///{tmp_path}/a.db"), {})
    with closing(warehouse), warehouse.reading() as reading:
        assert reading.answer("SELECT 'a' LIKE 'A'") == 0
