"""What stands in the environment and in other files."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncer import errors
from syncer.config import source
from tests.unit.config.texts import MINIMAL, Load, refused


@pytest.mark.parametrize(
    ("written", "expanded"),
    [
        ("${A}", "a"),
        ("x${A}y${A}${B}", "xaya${A}"),
        ("$A $$ $${A} {A} $", "$A $$ $a {A} $"),
        ("${file:secret}", "s3cret"),
        ("${file:folder/two lines}!", "one\ntwo!"),
        ("${EMPTY}", ""),
    ],
)
def test_expansion(tmp_path: Path, written: str, expanded: str) -> None:
    (tmp_path / "secret").write_text("s3cret\n")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "two lines").write_bytes(b"one\ntwo\r\n")
    environ = {"A": "a", "B": "${A}", "EMPTY": ""}
    assert source.expand({"k": [written]}, environ, tmp_path) == ({"k": [expanded]}, [])


@given(st.text().filter(lambda text: "${" not in text))
def test_text_without_references_is_left_alone(text: str) -> None:
    assert source.expand_text(text, {}, Path()) == text


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_an_expanded_text_is_not_looked_at_again(value: str) -> None:
    assert source.expand_text("<${A}>", {"A": value}, Path()) == f"<{value}>"


def test_only_values_are_expanded_and_only_text(tmp_path: Path) -> None:
    tree = {"${A}": 1, "b": [True, 2.5, {"c": "${A}"}]}
    assert source.expand(tree, {"A": "a"}, tmp_path)[0] == {"${A}": 1, "b": [True, 2.5, {"c": "a"}]}


@pytest.mark.parametrize("written", ["${", "${}", "${A", "${1A}", "${A-B}", "${A:-x}", "${ A }", "${file:}", "${${A}}"])
def test_a_reference_of_another_form_is_a_problem(load: Load, written: str) -> None:
    problems = refused(load, MINIMAL.replace("k3y", written), A="a")
    assert problems == {
        "destinations[0].write_key": "`${` must begin `${NAME}` or `${file:PATH}`, and nothing else may stand inside"
    }


@pytest.mark.parametrize("kind", ["/dev/zero", "folder", "pipe", "large"])
def test_what_is_no_ordinary_file_ends_in_a_problem(load: Load, tmp_path: Path, kind: str) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(b"x" * (1 << 21))
    problem = refused(load, MINIMAL.replace("k3y", f"${{file:{kind}}}"))["destinations[0].write_key"]
    assert problem.startswith(f"the file {tmp_path / kind} ")
    assert problem.endswith(("is larger than 1 MB", "is no ordinary file, but a folder, a pipe or a device"))


@pytest.mark.parametrize("kind", ["/dev/zero", "pipe"])
def test_neither_is_the_configuration(tmp_path: Path, kind: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(errors.ConfigError, match="is no ordinary file"):
        source.read(tmp_path / kind)


def test_every_reference_that_fails_is_named_once(load: Load, tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"\xe9")
    text = """
        [warehouse]
        url = "${URL}"
        password = "${file:missing}"
        membership.table = "${BYTES}"
        [state]
        data_dir = "${file:latin}"
        [[destinations]]
        name = "${NAME}"
        write_key = "x${KEY} y"
        timeout = "${TIMEOUT}"
        integrations = { A = ["${DEEP}"] }
        [[destinations]]
        name = "${NAME}"
        type = "${TYPE}"
        write_key = "k"
        endpoint = "${ENDPOINT}"
    """
    problems = refused(load, text, BYTES="\udcff")
    unset = "the environment variable {} is not set; set it, or write the value here"
    assert problems == {
        "warehouse.url": unset.format("URL"),
        "warehouse.password": f"the file {tmp_path / 'missing'} cannot be read: No such file or directory",
        "warehouse.membership.table": "${BYTES} is not UTF-8 text",
        "state.data_dir": f"the file {tmp_path / 'latin'} is not UTF-8 text",
        "destinations[0].name": unset.format("NAME"),
        "destinations[0].write_key": unset.format("KEY"),
        "destinations[0].timeout": unset.format("TIMEOUT"),
        "destinations[0].integrations.A[0]": unset.format("DEEP"),
        "destinations[1].name": unset.format("NAME"),
        "destinations[1].type": unset.format("TYPE"),
        "destinations[1].endpoint": unset.format("ENDPOINT"),
    }
