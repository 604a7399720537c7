"""The built wheel in a clean environment: `cdp resolve` needs Python alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.slow
def test_the_bare_package_resolves_a_file_without_spark_or_java(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    wheel = next(tmp_path.glob("*.whl"))
    home = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    subprocess.run([str(home / "bin" / "pip"), "install", "--quiet", str(wheel)], check=True, capture_output=True)
    rows = [f"{at},Ann{at % 20},Lee{at % 20},ann{at % 20}@x.org\n" for at in range(40)]
    (tmp_path / "people.csv").write_text("id,first_name,last_name,email\n" + "".join(rows), encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name not in ("JAVA_HOME", "PYTHONPATH")}
    environment["PATH"] = str(home / "bin")
    done = subprocess.run(
        ["cdp", "resolve", "people.csv", "--id", "id"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len((tmp_path / "clusters.csv").read_text().splitlines()) == 41
    script = "import importlib.util as it; print([it.find_spec(name) for name in ('pyspark', 'deltalake', 'pandas')])"
    there = subprocess.run([str(home / "bin" / "python"), "-c", script], check=True, capture_output=True, text=True)
    assert there.stdout.strip() == "[None, None, None]"
