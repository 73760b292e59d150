"""Addresses of databases are understood as SQLAlchemy understands them, which other warehouses are opened by."""

import pytest
import sqlalchemy
from hypothesis import example, given
from hypothesis import strategies as st

from syncer import addresses

pytestmark = pytest.mark.quick

SERVERS = ["postgresql://u:p%40@h:5432/db", "postgresql:///db", "postgresql://", "postgresql+psycopg://u@[::1]:7/a%20b"]
OPTIONS = [
    "",
    "?sslmode=require&application_name=a+b",
    "?host=/var/run",
    "?host=a%3A1",
    "?host=a:",
    "?host=a,b",
    "?host=a&host=b",
    "?host=a:1&host=b:2",
    "?host=a&host=b:2",
    "?host=a,b&port=1,2",
    "?host=a,b&port=1,",
    "?host=a&port=1",
    "?host=::1",
    "?port=55",
    "?port=1&port=2&host=a,b",
    "?host=&port=",
]
ODD_OPTIONS = ["?host=a:1&host=b:2&port=3", "?host=a,b&port=1", "?host=a&port=1,2", "?port=1,2", "?port=x"]

PARTS = st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), max_size=8)


@given(
    st.tuples(*[PARTS] * 5).map(lambda parts: "{}://{}@{}/{}?{}".format(*parts)) | st.text(":/@?[]+%a1&=", max_size=30)
)
@example("postgresql://u@h:/d")
def test_an_address_has_the_parts_that_sqlalchemy_finds(text: str) -> None:
    try:
        theirs = sqlalchemy.make_url(text)
    except (sqlalchemy.exc.ArgumentError, ValueError) as error:
        if str(error).endswith(" ''"):  # a port that is left empty is the usual one, as PostgreSQL's own clients say
            assert addresses.parse(text).port is None
            return
        with pytest.raises(ValueError, match=r"address|port"):
            addresses.parse(text)
        return
    ours = addresses.parse(text)
    assert (ours.drivername, ours.username, ours.password, ours.host, ours.port, ours.database, ours.query) == tuple(
        theirs
    )


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("server", SERVERS)
def test_a_client_library_is_told_what_sqlalchemy_tells_it(server: str, options: str) -> None:
    url = sqlalchemy.make_url(server + options).set(drivername=addresses.POSTGRESQL)
    _, theirs = url.get_dialect()().create_connect_args(url)
    ours = addresses.libpq(addresses.parse(server + options))
    assert {key: str(value) for key, value in ours.items()} == {key: str(value) for key, value in theirs.items()}


@pytest.mark.parametrize("options", ODD_OPTIONS)
def test_hosts_and_ports_that_do_not_fit_are_refused(options: str) -> None:
    with pytest.raises(ValueError, match="port"):
        addresses.libpq(addresses.parse(SERVERS[0] + options))


def test_an_address_is_shown_without_its_password_and_its_options() -> None:
    address = addresses.parse("postgresql://re%40der:hunter2@[::1]:5432/a%20b?sslpassword=hunter2")
    assert str(address) == "postgresql://re%40der:***@[::1]:5432/a b"
    assert "hunter2" not in repr(address)
