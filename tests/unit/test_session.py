"""The session's settings and its clear refusals; starts that fail are made in processes of their own."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from cdp_spark.config.base import Secret
from cdp_spark.errors import StateError
from cdp_spark.session import (
    DELTA_COORDINATE,
    SessionSettings,
    check_java,
    get_session,
)
from cdp_spark.session.builder import build_local_conf
from cdp_spark.session.class_archive import archive_path, reading_options
from cdp_spark.session.jars import DELTA_JARS
from cdp_spark.session.launch import _write_properties, remember_lookups
from cdp_spark.session.working_folder import make_working_folder, remove_leftovers


def local_conf(settings: SessionSettings) -> dict[str, str]:
    return build_local_conf(settings, check_java())


def test_a_worker_imports_nothing_from_the_folder_one_stands_in(spark: SparkSession) -> None:
    def look(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import sys  # noqa: PLC0415 - the worker's

        for _ in batches:
            yield pa.record_batch({"safe": [sys.flags.safe_path and "" not in sys.path]})

    assert spark.range(1).mapInArrow(look, "safe boolean").collect() == [(True,)]


def test_no_setting_stands_on_javas_command_line(spark: SparkSession) -> None:
    gateway = spark.sparkContext._gateway
    assert gateway is not None
    words = Path(f"/proc/{gateway.proc.pid}/cmdline").read_text().split("\0")
    assert "--properties-file" in words
    assert not [word for word in words if word == "--conf" or "retainedExecutions" in word]
    assert spark.conf.get("spark.sql.ui.retainedExecutions") == "20"


def test_spark_works_in_a_folder_that_only_its_user_may_enter(spark: SparkSession) -> None:
    folder = Path(str(spark.conf.get("spark.local.dir")))
    assert stat.filemode(folder.stat().st_mode) == "drwx------"
    assert not (folder / "spark.properties").exists(), "read once, then removed"


def test_what_spark_writes_is_for_its_user_only(spark: SparkSession, tmp_path: Path) -> None:
    spark.range(1).write.csv(str(tmp_path / "export"))
    written = [tmp_path / "export", *(tmp_path / "export").rglob("*")]
    assert {stat.filemode(path.stat().st_mode) for path in written} == {"drwx------", "-rw-------"}


def test_settings_with_odd_signs_reach_java_as_they_are(tmp_path: Path) -> None:
    conf = {"spark.a": " \\ = : # \n\tzwölf ", "spark.b c": ""}
    path = _write_properties(tmp_path / "spark.properties", conf)
    assert stat.filemode(path.stat().st_mode) == "-rw-------"
    assert path.read_text() == "spark.a=\\ \\\\\\ =\\ :\\ #\\ \\n\\tzwölf\\ \nspark.b\\ c=\n"


def test_sparks_log_of_events_shows_no_secret() -> None:
    conf = {"spark.hadoop.my.thing": Secret("hunter2", "${X}"), "spark.redaction.regex": "mine"}
    pattern = re.compile(local_conf(SessionSettings(conf=conf))["spark.redaction.regex"])
    shown = ("spark.app.name", "spark.hadoop.my.thing.else", "spark.sql.shuffle.partitions")
    hidden = ("spark.hadoop.my.thing", "mine", "fs.s3a.secret.key", "password", "fs.azure.account.key.x", "sslpass")
    assert [name for name in (*shown, *hidden) if pattern.search(name)] == list(hidden)


def test_files_are_left_to_their_folders_where_the_project_shares_them() -> None:
    conf = local_conf(SessionSettings(private_files=False))
    assert "spark.hadoop.fs.permissions.umask-mode" not in conf


_HOLD = """
import sys, time
from pathlib import Path
from cdp_spark.session.working_folder import make_working_folder
print(make_working_folder(Path(sys.argv[1])), flush=True)
time.sleep(600)
"""


def test_the_working_folder_of_a_killed_run_is_removed_by_the_next_one_and_no_other(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", _HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        theirs = Path(process.stdout.readline().strip())
        (theirs / "blocks").write_text("a person's values")
        foreign = tmp_path / "cdp-spark-of-somebody"
        foreign.symlink_to(tmp_path)
        ours = make_working_folder(tmp_path)
        assert sorted(tmp_path.iterdir()) == sorted([theirs, foreign, ours])
        process.kill()
        process.wait()
    remove_leftovers(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([foreign, ours])


def test_a_working_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StateError, match=r"Spark's working folder in .*file: got (File exists|Not a directory). Fix: "):
        make_working_folder(tmp_path / "file")


def test_an_active_session_is_returned(spark: SparkSession) -> None:
    assert get_session(SessionSettings(app_name="another")) is spark


def test_runtime_settings_reach_an_active_session(spark: SparkSession) -> None:
    get_session(SessionSettings(conf={"spark.sql.broadcastTimeout": "301", "spark.driver.memory": "9g"}))
    assert spark.conf.get("spark.sql.broadcastTimeout") == "301"
    spark.conf.unset("spark.sql.broadcastTimeout")


def test_java_is_asked_for_a_function_once(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    remember_lookups(spark)
    F.lower(F.lit("A"))
    jvm = spark.sparkContext._jvm
    assert jvm is not None
    messages: list[str] = []
    send = jvm._gateway_client.send_command

    def listen(message: str, *rest: object) -> object:
        messages.append(message)
        return send(message, *rest)

    monkeypatch.setattr(jvm._gateway_client, "send_command", listen)
    F.lower(F.lit("B"))
    about = [message.split("\n")[0] for message in messages if "org.apache.spark.sql.functions" in message]
    assert about == ["c", "c"], "two calls, no question (r)"


def test_no_java_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(StateError, match=r"Java: got none at .*; allowed: 17 or newer. Fix: install a Java 17"):
        check_java()


def test_no_java_on_the_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StateError, match="Java: got none; allowed: 17 or newer"):
        check_java()


def test_an_old_java_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\necho '    java.specification.version = 1.8' >&2\n")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(StateError, match="Java: got version 8; allowed: 17 or newer"):
        check_java()


@pytest.mark.parametrize(("written", "version"), [("1.8.0_402", 8), ("11.0.22", 11)])
def test_java_is_named_by_its_release_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, written: str, version: int
) -> None:
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\nexit 1\n")
    java.chmod(0o755)
    (tmp_path / "release").write_text(f'IMPLEMENTOR="Debian"\nJAVA_RUNTIME_VERSION="x"\nJAVA_VERSION="{written}"\n')
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(StateError, match=f"Java: got version {version}; allowed: 17 or newer"):
        check_java()


def test_cached_jars_go_straight_to_the_class_path(tmp_path: Path) -> None:
    jars = tmp_path / "jars"
    jars.mkdir()
    for name in DELTA_JARS:
        (jars / name).touch()
    conf = local_conf(SessionSettings(conf={"spark.jars.ivy": str(tmp_path)}))
    assert "spark.jars.packages" not in conf
    assert conf["spark.driver.extraClassPath"].count(os.pathsep) == len(DELTA_JARS) - 1


def test_without_cached_jars_delta_is_resolved(tmp_path: Path) -> None:
    conf = local_conf(SessionSettings(conf={"spark.jars.ivy": str(tmp_path)}))
    assert conf["spark.jars.packages"] == DELTA_COORDINATE


def test_a_project_s_packages_join_delta_s(tmp_path: Path) -> None:
    wanted = {"spark.jars.ivy": str(tmp_path), "spark.jars.packages": "org.postgresql:postgresql:42.7.7"}
    conf = local_conf(SessionSettings(conf=wanted))
    assert conf["spark.jars.packages"] == f"{DELTA_COORDINATE},org.postgresql:postgresql:42.7.7"


def test_a_named_graphframes_jar_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    jar = tmp_path / "graphframes.jar"
    jar.touch()
    monkeypatch.setenv("CDP_GRAPHFRAMES_JAR", str(jar))
    conf = local_conf(SessionSettings(conf={"spark.jars.ivy": str(tmp_path)}))
    assert conf["spark.driver.extraClassPath"] == str(jar)


def test_a_missing_graphframes_jar_is_one_logged_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("CDP_GRAPHFRAMES_JAR", str(tmp_path / "absent.jar"))
    with caplog.at_level("INFO", logger="cdp_spark.session"):
        local_conf(SessionSettings(conf={"spark.jars.ivy": str(tmp_path)}))
    assert [record.message for record in caplog.records] == [
        "No GraphFrames jar at hand: components are computed by the local or the DataFrame engine."
    ]


def test_settings_given_by_the_user_win() -> None:
    conf = local_conf(SessionSettings(shuffle_partitions=7, conf={"spark.sql.shuffle.partitions": "9"}))
    assert conf["spark.sql.shuffle.partitions"] == "9"


def test_an_archive_of_classes_is_used_once_it_was_made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    java, jars = check_java(), {"spark.driver.extraClassPath": "/jars/delta.jar"}
    path = archive_path(java, jars)
    assert reading_options(java, jars) == []
    path.parent.mkdir()
    path.touch()
    assert reading_options(java, jars) == [f'"-XX:SharedArchiveFile={path}"', "-Xlog:cds*=off"]
    assert reading_options(java, {"spark.driver.extraClassPath": "/jars/other.jar"}) == []


@pytest.mark.slow
def test_an_archive_of_classes_is_made_and_read(tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "JDK_JAVA_OPTIONS": ""}
    command = [sys.executable, "-m", "cdp_spark.session.warm_up"]
    made = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=600)
    (archive,) = (tmp_path / "cdp-spark").iterdir()
    assert made.stdout == f"classes kept in {archive}\n"
    log = tmp_path / "classes.log"
    environment["JDK_JAVA_OPTIONS"] = f"-Xlog:class+load:file={log}:none:filecount=0"
    subprocess.run([sys.executable, "-c", _START.format(memory="512m", conf={})], env=environment, check=True)
    loaded = log.read_text().splitlines()
    assert sum("shared objects file (top)" in line for line in loaded) > len(loaded) / 3


_START = """
from cdp_spark.errors import CdpError
from cdp_spark.session import SessionSettings, get_session
try:
    get_session(SessionSettings(master="local[1]", driver_memory={memory!r}, conf={conf!r}))
except CdpError as error:
    print(error)
"""


def _start(*, memory: str = "512m", conf: dict[str, str] | None = None) -> str:
    code = _START.format(memory=memory, conf=conf or {})
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    return done.stdout


def test_no_network_and_no_cached_jars_is_one_sentence(tmp_path: Path) -> None:
    settings = tmp_path / "ivysettings.xml"
    settings.write_text(
        "<ivysettings><settings defaultResolver='dead'/><resolvers>"
        "<ibiblio name='dead' m2compatible='true' root='http://127.0.0.1:9/'/></resolvers></ivysettings>"
    )
    printed = _start(conf={"spark.jars.ivy": str(tmp_path), "spark.jars.ivySettings": str(settings)})
    assert "\nSpark's start: got jars that are not in the cache and could not be fetched" in printed


def test_too_much_memory_is_one_sentence() -> None:
    assert "\nSpark's start: got a Java process that ended at once." in _start(memory="900000g")


def test_a_session_without_delta_is_refused(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    without = spark.newSession()
    without.conf.unset("spark.sql.catalog.spark_catalog")
    monkeypatch.setattr(SparkSession, "getActiveSession", lambda: without)
    with pytest.raises(StateError, match=r"Spark session: got one without Delta\. Fix: start it with --packages"):
        get_session()
