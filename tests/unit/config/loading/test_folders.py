"""A destination's folder is nobody else's."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.config.broken import change, mistakes

from cdp_spark.config.load import load_project

LETTER = "{name: letter, kind: csv, segment: gold, path: out, columns: [email], purpose: email_marketing}"


@pytest.mark.parametrize(
    ("path", "got"),
    [
        ("out", "the folder of destination 'letter'"),
        ("./out/../out/", "the folder of destination 'letter'"),
        ("out/more", "a folder in the folder of destination 'letter'"),
        (".", "a folder around the warehouse"),
        ("warehouse", "the warehouse"),
        ("warehouse/profiles", "a folder in the warehouse"),
        ("file:{folder}/warehouse/exports", "a folder in the warehouse"),
        ("link/exports", "a folder in the warehouse"),
        ("${CDP_TEST_FOLDER}/warehouse", "the warehouse"),
        ("deliveries/exports", "a folder in the folder of source 'shop'"),
        ("../elsewhere", "a folder outside the project's"),
        ("/srv/exports", "a folder outside the project's"),
        ("/etc/cron.d", "a folder of the system"),
        ("file:///usr/share/exports", "a folder of the system"),
        ("/", "a folder of the system"),
    ],
)
def test_a_destination_has_a_folder_of_its_own(project: Path, path: str, got: str) -> None:
    (project / "warehouse").mkdir()
    (project / "link").symlink_to(project / "warehouse")
    shop = (project / "sources" / "crm.yaml").read_text().replace("crm", "shop").replace("shop.csv", "deliveries")
    (project / "sources" / "shop.yaml").write_text(shop)
    second = LETTER.replace("letter", "post").replace("path: out", f'path: "{path.replace("{folder}", str(project))}"')
    (project / "destinations.yaml").write_text(f"destinations:\n  - {LETTER}\n  - {second}\n")
    (message,) = mistakes(project, {"CDP_TEST_FOLDER": str(project)})
    assert message.startswith(f"destinations.yaml:3:50 destinations.1.path: got {got}; allowed: a folder ")


@pytest.mark.parametrize("path", ["s3a://bucket/exports", "exports/post", "out2"])
def test_a_destination_may_be_anywhere_else(project: Path, path: str) -> None:
    second = LETTER.replace("letter", "post").replace("path: out", f"path: {path}")
    (project / "destinations.yaml").write_text(f"destinations:\n  - {LETTER}\n  - {second}\n")
    assert load_project(project).destinations.files[1].path == path


def test_a_destination_may_be_outside_the_project_where_it_says_so(project: Path) -> None:
    allowed = LETTER.replace("path: out", "path: ../elsewhere, outside_project: true")
    (project / "destinations.yaml").write_text(f"destinations:\n  - {allowed}\n")
    assert load_project(project).destinations.files[0].outside_project


def test_a_bucket_by_another_name_is_the_same_bucket(project: Path) -> None:
    change(project, "project.yaml", "{path: warehouse}", '{path: "s3a://Bucket/cdp"}')
    change(project, "destinations.yaml", "path: out", "path: s3://bucket/x/../cdp/exports")
    assert [message.partition(";")[0] for message in mistakes(project)] == [
        "destinations.yaml:2:52 destinations.0.path: got a folder in the warehouse"
    ]
