"""Secrets are named in a project, and neither written into it nor shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.unit.config.broken import change, mistakes

from cdp_spark.config.load import load_project

CHANGES: dict[str, tuple[str, str, str, list[str]]] = {
    "missing secret": (
        "sources/crm.yaml",
        "key: id",
        "key: id\noptions: {password: '${DB_PASSWORD}'}",
        [
            "sources/crm.yaml:6:21 options.password: got ${DB_PASSWORD}, which is not set; allowed: a variable of the "
            "environment. Fix: export DB_PASSWORD=… before the run"
        ],
    ),
    "placeholder left open": (
        "sources/crm.yaml",
        "key: id",
        "key: id\noptions: {user: '${DB_USER'}",
        ["sources/crm.yaml:6:17 options.user: got ${ without }; allowed: ${NAME}. Fix: close it"],
    ),
    "placeholder without a name": (
        "sources/crm.yaml",
        "key: id",
        "key: id\noptions: {user: '${env:USER}'}",
        [
            "sources/crm.yaml:6:17 options.user: got ${env:USER}; allowed: ${NAME} of letters, digits and _. "
            "Fix: write a variable's name"
        ],
    ),
    "secret in clear": (
        "sources/crm.yaml",
        "key: id",
        "key: id\noptions: {password: hunter2}",
        [
            "sources/crm.yaml:6:21 options.password: got a secret in clear; allowed: ${NAME} of an environment "
            "variable. Fix: set a variable to the secret, name it here, and change the secret: it was in a file"
        ],
    ),
    "key of the suppression list in clear": (
        "project.yaml",
        "{path: warehouse}",
        "{path: warehouse}\nsuppression: {secret_key: 0a1b2c3d4e5f6a7b8c9d}",
        [
            "project.yaml:4:27 suppression.secret_key: got a secret in clear; allowed: ${NAME} of an environment "
            "variable. Fix: set a variable to the secret, name it here, and change the secret: it was in a file"
        ],
    ),
    "secret that is no text": (
        "sources/crm.yaml",
        "key: id",
        "key: id\noptions: {password: 12345}",
        ["sources/crm.yaml:6:21 options.password: got a value that is not shown; allowed: text. Fix: put it in quotes"],
    ),
}


@pytest.mark.parametrize("case", CHANGES)
def test_mistakes(project: Path, case: str) -> None:
    name, old, new, expected = CHANGES[case]
    change(project, name, old, new)
    assert mistakes(project) == expected


def test_secrets_are_for_use_not_for_show(project: Path) -> None:
    change(project, "sources/crm.yaml", "key: id", "key: id\noptions: {password: '${PW}', other: 'a$${PW}'}")
    loaded = load_project(project, env={"PW": "hunter2"})
    options = loaded.sources[0].options
    assert (options["password"], f"{options['password']}", options["other"]) == ("hunter2", "hunter2", "a${PW}")
    shown = [repr(loaded), str(loaded), str(loaded.model_dump()), loaded.model_dump_json(), repr(options)]
    assert not any("hunter2" in text for text in shown)
    assert json.loads(loaded.model_dump_json())["sources"][0]["options"]["password"] == "${PW}"


@pytest.mark.parametrize(
    "options",
    [
        {"pass": "hunter2"},
        {"passwd": "hunter2"},
        {"dbPassword": "hunter2"},
        {"password": "$${NOT_A_VARIABLE}"},
        {"url": "jdbc:postgresql://db/shop?user=crm&password=hunter2"},
        {"url": "jdbc:sqlserver://db;user=crm;pwd = hunter2"},
        {"url": "jdbc:mysql://crm:hunter2@db/shop"},
        {"url": "jdbc:oracle:thin:crm/hunter2@db:1521/shop"},
        {"url": "jdbc:snowflake://db/?private_key=hunter2"},
        {"connection": "AccountKey=hunter2;"},
        {"url": "https://blob/shop?sv=1&sig=hunter2"},
    ],
    ids=lambda options: " ".join(options.values()),
)
def test_a_password_is_never_in_a_file_under_whatever_name(project: Path, options: dict[str, str]) -> None:
    change(project, "sources/crm.yaml", "key: id", f"key: id\noptions: {json.dumps(options)}")
    (found,) = [message for message in mistakes(project) if "secret" in message]
    assert f"options.{next(iter(options))}: got a secret in clear; allowed: ${{NAME}}" in found
    assert "hunter2" not in found


def test_a_word_of_a_query_and_a_variable_are_no_secrets_in_clear(project: Path) -> None:
    options = {
        "url": "jdbc:postgresql://db/shop?user=crm&password=${CDP_TEST_PASSWORD}",
        "query": "SELECT id FROM people WHERE token = 'x'",
    }
    change(project, "sources/crm.yaml", "key: id", f"key: id\noptions: {json.dumps(options)}")
    assert load_project(project, env={"CDP_TEST_PASSWORD": "x"}).sources[0].options.keys() == options.keys()


def test_a_variable_does_not_reach_javas_command_line(project: Path) -> None:
    setting = '{spark.driver.extraJavaOptions: "-Dkey=${CDP_TEST_PASSWORD}"}'
    change(project, "project.yaml", "{path: warehouse}", f"{{path: warehouse}}\nspark: {setting}")
    assert mistakes(project, {"CDP_TEST_PASSWORD": "x"}) == [
        "project.yaml:4:40 spark.spark.driver.extraJavaOptions: got a variable in options that stand on Java's command "
        "line, for all users of the machine to read. Fix: give Java a file with it, by its path"
    ]


def test_a_path_holds_no_password(project: Path) -> None:
    change(project, "project.yaml", "{path: warehouse}", '{path: "s3a://key:hunter2@bucket/cdp"}')
    assert [message.partition(";")[0] for message in mistakes(project)] == [
        "project.yaml:3:19 warehouse.path: got a secret in clear"
    ]
