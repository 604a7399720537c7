from __future__ import annotations

import re

from tests.attack.tries import ROOT, read_tries


def test_every_try_names_a_test() -> None:
    missing = []
    for it in read_tries():
        file, _, name = it.test.partition("::")
        text = (ROOT / file).read_text(encoding="utf-8") if (ROOT / file).is_file() else ""
        if not re.search(rf"^def {name or 'test_'}", text, re.MULTILINE):
            missing.append(it.test)
    assert not missing


def test_no_try_stands_twice() -> None:
    tests = [it.test for it in read_tries()]
    assert len(tests) == len(set(tests))


def test_every_proof_of_the_security_page_is_there() -> None:
    named = re.findall(r"`(tests/[^`]+)`", (ROOT / "docs" / "security.md").read_text(encoding="utf-8"))
    assert len(named) > 10
    assert not [path for path in named if not (ROOT / path).exists()]
