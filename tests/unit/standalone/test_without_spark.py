"""`cdp resolve` where neither Spark nor Java is."""

import subprocess
import sys
from pathlib import Path

WITHOUT_SPARK = """
import sys
for name in ("pyspark", "delta", "deltalake", "graphframes", "py4j"):
    sys.modules[name] = None  # whoever imports it fails
sys.argv = ["cdp", *sys.argv[1:]]
from cdp_spark.cli.main import main
main()
"""


def _cdp(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WITHOUT_SPARK, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _write(path: Path, rows: int) -> Path:
    people = [f"{at % rows},Ann{at % rows} ,Lee{at % rows},ann{at % rows}@x.org\n" for at in range(rows)]
    again = [line.replace(f"{at},", f"{at + rows},", 1) for at, line in enumerate(people)]
    path.write_text("id,first_name,last_name,email\n" + "".join(people + again), encoding="utf-8")
    return path


def test_a_file_is_resolved(tmp_path: Path) -> None:
    out = tmp_path / "clusters.csv"
    done = _cdp("resolve", _write(tmp_path / "people.csv", 20), "--id", "id", "--out", out)
    assert done.returncode == 0, done.stderr
    assert "20 clusters" in done.stdout
    assert len(out.read_text().splitlines()) == 41


def test_spark_that_is_asked_for_and_not_there_is_one_sentence(tmp_path: Path) -> None:
    path = _write(tmp_path / "people.csv", 20)
    done = _cdp("resolve", path, "--id", "id", "--out", tmp_path / "o.csv", "--engine", "spark")
    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1].startswith("cdp: --engine spark: got no Spark")


def test_a_command_that_needs_spark_says_so() -> None:
    done = _cdp("tables")
    assert done.returncode == 2
    assert "cdp tables: got no Spark, which this command needs" in done.stderr
    assert "cdp-spark[spark]" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_package_imports_nothing_of_it() -> None:
    script = (
        "import sys, cdp_spark; cdp_spark.resolve; print(sorted({'pyspark', 'delta', 'deltalake'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
