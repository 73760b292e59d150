"""What reaches the log, in which format, and that nobody's address does."""

import io
import json
import logging
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from syncer import log
from syncer.masking import masked


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers = []  # basicConfig closes those that it finds, and pytest's are not ours
    yield
    root.handlers = handlers
    root.setLevel(level)


def fail(reason: str) -> None:
    raise ValueError(reason)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_auto_is_json_off_a_terminal_with_times_in_utc_and_bound_context() -> None:
    stream = io.StringIO()
    log.configure("auto", "INFO", stream)
    with log.bound(run_id=7):
        log.Logger("syncer.sync").info("page sent", page=3)
        logging.getLogger("psycopg").warning("gone")
    log.Logger("syncer.sync").info("closed")
    line, library, after = lines(stream)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", line.pop("timestamp"))
    assert line == {"event": "page sent", "level": "info", "logger": "syncer.sync", "page": 3, "run_id": 7}
    assert library["run_id"] == 7
    assert "run_id" not in after


@pytest.mark.parametrize(
    ("log_format", "stream", "human"),
    [("auto", Terminal(), True), ("human", io.StringIO(), True), ("json", Terminal(), False)],
)
def test_format_says_who_reads(log_format: Any, stream: io.StringIO, human: bool) -> None:
    log.configure(log_format, "INFO", stream)
    log.Logger("syncer.x").info("hello")
    assert human is not stream.getvalue().startswith("{")


@pytest.mark.parametrize("level", ["DEBUG", "INFO"])
def test_of_libraries_only_those_that_know_no_secret_are_heard_and_only_warnings(level: str) -> None:
    stream = io.StringIO()
    log.configure("json", level, stream)
    for name in (
        "urllib3.connectionpool",
        "requests",
        "apprise",
        "httpx",
        "httpcore.http11",
        "some.driver",
        "syncerly",
    ):
        for severity in (logging.DEBUG, logging.INFO, logging.WARNING, logging.CRITICAL):
            logging.getLogger(name).log(severity, "POST https://hooks.example/s3cret")
    logging.getLogger("apscheduler.scheduler").info("no")
    logging.getLogger("apscheduler.scheduler").warning("yes, %s", 5)
    assert [line["event"] for line in lines(stream)] == ["yes, 5"]


def test_a_level_above_warning_silences_all_that_warns() -> None:
    stream = io.StringIO()
    log.configure("json", "ERROR", stream)
    logging.getLogger("apscheduler").warning("no")
    log.Logger("syncer.x").warning("no")
    assert stream.getvalue() == ""


EVIL = "x\n2026-01-01 [info     ] all is well\x1b]0;title\x07\x9b2J\u202e"


@pytest.mark.parametrize("log_format", ["human", "json"])
@pytest.mark.parametrize("level", ["debug", "info"])
def test_no_text_begins_a_line_or_reaches_the_terminal_raw(log_format: Any, level: str) -> None:
    stream = io.StringIO()
    log.configure(log_format, "DEBUG", stream)
    logger = log.Logger("syncer.x")
    try:
        fail(EVIL)
    except ValueError:
        getattr(logger, level)(EVIL, name=EVIL, names=[EVIL], exc_info=True)
    said = stream.getvalue()
    assert all(line.isprintable() for line in said.splitlines())
    assert not [line for line in said.splitlines()[1:] if not line.startswith("  ")]
    if log_format == "json":
        assert lines(stream)[0]["name"] == EVIL


def test_configuring_again_replaces_the_handler() -> None:
    first, second = io.StringIO(), io.StringIO()
    log.configure("json", "INFO", first)
    log.configure("json", "INFO", second)
    log.Logger("syncer.x").info("once")
    assert first.getvalue() == ""
    assert len(lines(second)) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ada@example.com", "a***@e***"),
        ("refused: <ada.lovelace+x@example.com>, next", "refused: <a***@e***>, next"),
        ("a@b, c@d", "a***@b***, c***@d***"),
        ('{"email":"ada@example.com"}', '{"email":"a***@e***"}'),
        ("email=ada@example.com", "email=a***@e***"),
        ("josé@exämple.com", "j***@e***"),
        ("two@at@signs.example", "t***@a***"),
        ("no address @ all, @property", "no address @ all, @property"),
        ("", ""),
        ("Cannot PUT /people/ada%40example.com", "Cannot PUT /***@e***"),
        ("email=ada%40example.com&id=7", "email=a***@e***=7"),
        ("next=%2Fada%2540example.com", "next=%***@e***"),
        ("40 of 100%, 40 of them", "40 of 100%, 40 of them"),
    ],
)
def test_addresses_are_masked(text: str, expected: str) -> None:
    assert masked(text) == expected


def test_addresses_are_masked_inside_of_anything() -> None:
    who = "ada@example.com"
    value = {who: [who, (who, 1, True, None, 0.5)], "error": ValueError(who)}
    assert masked(value) == {
        "a***@e***": ["a***@e***", ["a***@e***", 1, True, None, 0.5]],
        "error": "a***@e***",
    }


def test_a_long_text_is_masked_in_passing() -> None:
    text = "x" * 1_000_000 + " ada@example.com " + "y" * 1_000_000 + "%4" * 500_000 + " ada%40example.com"
    before = time.monotonic()
    assert "ada" not in masked(text)
    assert time.monotonic() - before < 5


@pytest.mark.parametrize("log_format", ["human", "json"])
def test_no_address_above_debug(log_format: Any) -> None:
    stream = io.StringIO()
    log.configure(log_format, "DEBUG", stream)
    logger = log.Logger("syncer.x")
    who = "ada@example.com"
    logger.info(" ".join(["refused", who]), contact=who)
    logging.getLogger("apscheduler").warning("about %s", who)
    try:
        fail(who)
    except ValueError:
        logger.exception("failed", contacts=[who])
        logging.getLogger("apscheduler").exception("failed")
    assert "Traceback" in stream.getvalue()
    assert "ada" not in stream.getvalue()


def test_addresses_are_kept_at_debug() -> None:
    stream = io.StringIO()
    log.configure("json", "DEBUG", stream)
    log.Logger("syncer.x").debug("told", contact="ada@example.com")
    assert lines(stream)[0]["contact"] == "ada@example.com"


def test_tracebacks_hold_no_local_variables() -> None:
    stream = Terminal()
    log.configure("human", "INFO", stream)
    write_key = str(3) + "-secret"  # pretty tracebacks would print its value
    try:
        fail(str(len(write_key)))
    except ValueError:
        log.Logger("syncer.x").exception("failed")
    printed = stream.getvalue()
    assert "ValueError: 8" in printed
    assert "3-secret" not in printed
