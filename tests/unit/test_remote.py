"""A session on a Connect server: found, told apart, taught the package; its end is known. None of it needs a server."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from pyspark.errors import AnalysisException, PySparkException

from cdp_spark import errors
from cdp_spark.session.remote import find_remote, is_gone, send_package
from cdp_spark.tables.trouble import explain, is_session_lost


class FakeSession:
    """Takes Python files, or refuses them."""

    def __init__(self, folder: Path, *, refuses: bool = False) -> None:
        self.folder, self.refuses, self.sent = folder, refuses, 0

    def addArtifacts(self, path: str, *, pyfile: bool) -> None:  # noqa: N802 - Spark's name
        assert pyfile
        if self.refuses:
            raise AnalysisException("not here")
        self.sent += 1
        with zipfile.ZipFile(path) as archive:
            archive.extractall(self.folder)


def test_the_settings_name_a_server_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPARK_REMOTE", raising=False)
    assert find_remote({"spark.sql.ansi.enabled": "true"}) is None
    monkeypatch.setenv("SPARK_REMOTE", "sc://env")
    given = [{}, {"remote": "sc://short"}, {"spark.remote": "sc://long"}]
    assert [find_remote(conf) for conf in given] == ["sc://env", "sc://short", "sc://long"]


def test_the_package_is_sent_once_and_whole(tmp_path: Path) -> None:
    session = FakeSession(tmp_path)
    for _ in range(2):
        send_package(session)  # type: ignore[arg-type]
    assert session.sent == 1
    package = Path(errors.__file__).parent
    expected = {path.relative_to(package) for path in package.rglob("*.py")}
    assert {path.relative_to(tmp_path / "cdp_spark") for path in tmp_path.rglob("*.py")} == expected


def test_a_server_that_takes_no_files_may_have_the_package(tmp_path: Path) -> None:
    send_package(FakeSession(tmp_path, refuses=True))  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("StatusCode.UNAVAILABLE: failed to connect to all addresses", True),
        ("[INVALID_HANDLE.SESSION_CHANGED] The existing Spark server driver instance has restarted", True),
        ("[RETRIES_EXCEEDED] The maximum number of retries has been exceeded.", True),
        ("[TABLE_OR_VIEW_NOT_FOUND] `x`", False),
    ],
)
def test_the_end_of_a_server_is_known(text: str, gone: bool) -> None:
    error = PySparkException(text)
    assert is_gone(error) == is_session_lost(error) == gone
    told = str(explain(error, "stage identity"))
    assert ("a Spark Connect server that does not answer, or has ended the session" in told) == gone


def test_a_missing_package_of_the_workers_is_one_sentence() -> None:
    told = str(explain(PySparkException("ModuleNotFoundError: No module named 'rapidfuzz'"), "stage matching"))
    assert told.startswith("stage matching: got Python workers that lack a package which this program needs")
