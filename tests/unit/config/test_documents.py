"""YAML: what is read, and what is refused with line and column."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdp_spark.config.documents.document import parse_document
from cdp_spark.errors import ConfigError

BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(ord('a') + i)}: &{chr(ord('a') + i)} [{', '.join(['*' + chr(ord('a') + i - 1)] * 10)}]\n"
    for i in range(1, 8)
)


def test_scalars_are_those_of_yaml_1_2() -> None:
    text = (
        "{a: no, b: 01234, c: 12:30:45, d: 2026-01-01, e: 1_000, f: on, g: 0x1F, h: true, i: 12, j: -1.5, k: ~, on: y}"
    )
    assert parse_document(text.encode(), name="f.yaml").data == {
        "a": "no",
        "b": "01234",
        "c": "12:30:45",
        "d": "2026-01-01",
        "e": "1_000",
        "f": "on",
        "g": "0x1F",
        "h": True,
        "i": 12,
        "j": -1.5,
        "k": None,
        "on": "y",
    }


def test_values_and_keys_know_their_place() -> None:
    document = parse_document(b"\xef\xbb\xbfa:\n  - {b: 1}\n  - c\n", name="f.yaml")
    assert document.where(("a", 0, "b")) == "f.yaml:2:9 a.0.b"
    assert document.where(("a", 0, "b"), at_key=True) == "f.yaml:2:6 a.0.b"
    assert document.where(("a", 0, "missing")) == "f.yaml:2:5 a.0.missing"
    assert document.where(()) == "f.yaml:1:1"


REFUSED = {
    "a: 1\nb: 2\na: 3\n": "f.yaml:3:1: got the key 'a' twice; allowed: a key once. Fix: see also line 1:1",
    "a:\n\tb: 1\n": "f.yaml:2:1: got a tab; allowed: spaces. Fix: indent with spaces",
    "a: 1\n---\nb: 2\n": "f.yaml:2:1: got a second document; allowed: one document a file. Fix: remove the `---`",
    "": "f.yaml: got an empty file; allowed: keys and values. Fix: fill it in or delete it",
    "# only a comment\n": "f.yaml: got an empty file; allowed: keys and values. Fix: fill it in or delete it",
    "a: [1, 2\nb: 3\n": (
        "f.yaml:2:2: got expected ',' or ']', but got ':'; allowed: YAML. Fix: check indentation, colons and quotes"
    ),
    "a: !!python/object:os.system x": (
        "f.yaml:1:4: got the tag tag:yaml.org,2002:python/object:os.system; allowed: values without a tag. "
        "Fix: remove the tag"
    ),
    "a: &x [*x]": ("f.yaml:1:4: got aliases that expand without end; allowed: 50000 values. Fix: write values out"),
    "[a]: 1": "f.yaml:1:1: got a list as a key; allowed: text as a key. Fix: write a name before the colon",
    "a: \x00": "f.yaml:1:4: got a control character. Fix: remove it",
}


@pytest.mark.parametrize("text", REFUSED)
def test_faults_name_line_and_column(text: str) -> None:
    assert _refusal(text.encode()) == REFUSED[text]


def test_an_alias_bomb_is_refused_before_it_expands() -> None:
    assert "aliases that expand without end" in _refusal(BOMB.encode())


def test_deep_nesting_is_refused() -> None:
    assert "more than 40 levels of nesting" in _refusal(b"[" * 10_000)


def test_encodings_other_than_utf8_are_refused() -> None:
    utf16 = "f.yaml: got UTF-16; allowed: UTF-8. Fix: save the file as UTF-8"
    latin1 = "f.yaml:2:6: got a byte that is not UTF-8. Fix: save the file as UTF-8"
    assert _refusal("a: 1".encode("utf-16")) == utf16
    assert _refusal("a: 1\nb: né".encode("latin-1")) == latin1.replace("2:6", "2:5")


@given(st.one_of(st.binary(max_size=80), st.text(alphabet="ab:-[]{}&*!|>'\"#\n\t ", max_size=60).map(str.encode)))
def test_garbage_raises_nothing_but_config_error(content: bytes) -> None:
    with contextlib.suppress(ConfigError):
        parse_document(content, name="f.yaml")


def _refusal(content: bytes) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_document(content, name="f.yaml")
    errors = getattr(caught.value, "errors", (caught.value,))
    assert len(errors) == 1
    return str(errors[0])
