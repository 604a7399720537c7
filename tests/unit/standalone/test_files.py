"""Files into this process, up to its limits."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cdp_spark.cli.main import app
from cdp_spark.errors import ConfigError
from cdp_spark.standalone import files
from cdp_spark.standalone.files import TooLargeError, name_inputs, read_inputs


def test_sources_are_named_after_their_files() -> None:
    found = name_inputs(["a/Kunden 2024.csv", "b/kunden-2024.csv.gz", "2024.jsonl", "t.tsv"])
    assert [(it.name, it.format) for it in found] == [
        ("kunden_2024", "csv"),
        ("kunden_2024_2", "csv"),
        ("file_2024", "json"),
        ("t", "csv"),
    ]
    assert found[3].options == {"delimiter": "\t"}


def test_an_unknown_suffix_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"\.docx"):
        name_inputs(["a.docx"])


@pytest.mark.parametrize("limit", ["rows", "bytes"])
def test_a_file_that_grows_beyond_the_limit_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    path, out = tmp_path / "many.csv", tmp_path / "out.csv"
    path.write_text("id,name\n" + "".join(f"{at},ann {at}\n" for at in range(60_000)), encoding="utf-8")
    if limit == "rows":
        monkeypatch.setattr(files, "in_process_records", lambda: 50_000)
    else:
        monkeypatch.setattr(files, "in_process_text_bytes", lambda: 1_000)
    with pytest.raises(TooLargeError):
        read_inputs(name_inputs([str(path)]))
    done = CliRunner().invoke(app, ["resolve", str(path), "--id", "id", "--out", str(out), "--engine", "process"])
    assert isinstance(done.exception, TooLargeError)
    assert "cdp-spark[spark]" in str(done.exception)
    assert not out.exists()


def test_memory_that_ends_in_the_middle_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, out = tmp_path / "few.csv", tmp_path / "out.csv"
    path.write_text(
        "id,first_name,email\n" + "".join(f"{at},ann,a{at % 9}@x.org\n" for at in range(18)), encoding="utf-8"
    )

    def run_out(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("cdp_spark.standalone.in_process.link", run_out)
    done = CliRunner().invoke(app, ["resolve", str(path), "--id", "id", "--out", str(out)])
    assert isinstance(done.exception, TooLargeError)
    assert list(tmp_path.iterdir()) == [path]
