"""Web addresses are taken as httpx takes them, which is not imported for most."""

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from syncer import fields

HOSTS = st.text('aA1.-_[]:%!"üxn', min_size=1, max_size=12) | st.text(
    st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8
)
NUMBERS = st.lists(st.integers(0, 300), min_size=4, max_size=4).map(lambda each: ".".join(map(str, each)))


@given(HOSTS | NUMBERS)
@example("999.1.1.1")
@example("1a2a3a4")
@example("[v1.x]")
@example("[127.0.0.1]")
@example("xn--zz.com")
@example("bü..cher.de")
@example("[fe80::1%25eth0]:8443")
@example("API.Segment.io:443")
def test_what_is_taken_for_a_web_address_is_one_for_httpx(host: str) -> None:
    """No request fails, when it is to be sent, because its address is none."""
    url = f"https://{host}/v1"
    try:
        parts = fields.http_url(url, "https://api.segment.io")
    except ValueError:
        return
    assert fields.hostname(parts) == httpx.Request("POST", url).url.host


@pytest.mark.parametrize(
    "host", ["localhost", "db-1.internal", "server7", "7up.example", "127.0.0.1", "[::1]", "bücher.de"]
)
def test_what_is_a_host_is_not_refused(host: str) -> None:
    assert fields.http_url(f"http://{host}:8080/x", "…").netloc == f"{host}:8080"
