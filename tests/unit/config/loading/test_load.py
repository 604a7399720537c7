"""Loading a project: what is accepted, and mistakes in more than one file."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.config.broken import change, mistakes

from cdp_spark.config.load import config_hash, load_match, load_project, load_section
from cdp_spark.config.project import ProjectSettings
from cdp_spark.config.sending import SentColumn
from cdp_spark.errors import InvalidProjectError


def test_a_good_project(project: Path) -> None:
    loaded = load_project(project, env={})
    (source,) = loaded.sources
    assert (loaded.settings.name, source.key, source.columns["email"].from_) == ("shop", ("id",), ("work", "home"))
    assert loaded.segments[0].members.where == "attribute('tier') = 'gold'"
    assert loaded.destinations.destinations[0].columns == (SentColumn(of="email"),)
    assert len(loaded.config_hash) == 64


def test_a_source_takes_the_share_of_rejected_rows_that_the_project_states(project: Path) -> None:
    def share() -> float:
        return load_project(project).sources[0].max_rejected_share

    assert share() == 0.05
    settings = project / "project.yaml"
    settings.write_text(settings.read_text() + "\ngates: {max_id_churn: 0.5}\n")
    assert share() == 0.05
    change(project, "project.yaml", "gates: {", "gates: {max_rejected_share: 0.9, ")
    assert share() == 0.9
    change(project, "sources/crm.yaml", "key: id", "key: id\nmax_rejected_share: 0.01")
    assert share() == 0.01


def test_own_identifiers_are_named_by_sources_segments_and_destinations(project: Path) -> None:
    change(project, "project.yaml", "name: shop", "name: shop\nidentifiers: {membership_no: {links: true}}")
    change(project, "sources/crm.yaml", "key: id", "key: id\nidentifiers: {membership_no: mnr}")
    change(project, "segments/gold.yaml", "attribute('tier')", "attribute('membership_no')")
    change(project, "destinations.yaml", "columns: [email]", "columns: [email, identifiers.membership_no]")
    assert load_project(project, env={}).identifiers.linking == ["user_id", "loyalty_id", "membership_no"]


def test_types_of_identifiers_that_nobody_defined_or_has_are_told(project: Path) -> None:
    own = "{membership_no: {}, email: {}, tier: {}, city: {}}"
    change(project, "project.yaml", "name: shop", f"name: shop\nidentifiers: {own}")
    change(project, "sources/crm.yaml", "key: id", "key: id\nidentifiers: {member_no: mnr}")
    allowed = (
        "user_id, device_id, cookie_id, loyalty_id, customer_id, email, phone, email_sha256, membership_no, email, "
        "tier, city"
    )
    assert [it.split(" ", 1)[1] for it in mistakes(project)] == [
        f"identifiers.member_no: got 'member_no'; allowed: {allowed}. Fix: choose one of these (did you mean "
        "'membership_no'?), or define it under `identifiers` in project.yaml",
        "identifiers.membership_no: got a type that no source has. "
        "Fix: write `identifiers: {membership_no: COLUMN}` in a source, or remove it",
        "identifiers.email: got a type that every project has. Fix: set its rule in match.yaml, `identifiers.email`",
        "identifiers.tier: got an attribute of the source crm. Fix: give one of the two another name",
        "identifiers.city: got the name of an attribute. Fix: give it another name",
    ]


def test_optional_files_may_be_absent(project: Path) -> None:
    (project / "destinations.yaml").unlink()
    (project / "segments" / "gold.yaml").unlink()
    assert load_project(project, env={}).segments == ()


def test_all_mistakes_of_all_files_come_at_once(project: Path) -> None:
    change(project, "project.yaml", "name: shop", "nam: shop")
    change(project, "match.yaml", "method: email", "method: mail")
    change(project, "segments/gold.yaml", "tier", "teir")
    change(project, "destinations.yaml", "[email]", "[mail]")
    found = [message.split(":")[0] for message in mistakes(project)]
    assert found == ["project.yaml", "project.yaml", "match.yaml", "segments/gold.yaml", "destinations.yaml"]


def test_names_are_given_once(project: Path) -> None:
    (project / "sources" / "shop.yaml").write_text((project / "sources" / "crm.yaml").read_text())
    assert mistakes(project) == [
        "sources/shop.yaml:1:7 name: got the name 'crm', which sources/crm.yaml has. Fix: rename one"
    ]


def test_misspelt_files_and_folders_are_not_overlooked(project: Path) -> None:
    (project / "destination.yaml").write_text("destinations: []\n")
    (project / "sources" / "till.yml").write_text("name: till\n")
    (project / "segment").mkdir()
    (project / "segment" / "x.yaml").write_text("name: x\n")
    files = "project.yaml, match.yaml, survivorship.yaml, insights.yaml, experiments.yaml, destinations.yaml"
    assert mistakes(project) == [
        f"destination.yaml: got unknown file 'destination.yaml'; allowed: {files}. "
        "Fix: choose one of these (did you mean 'destinations.yaml'?); keep other YAML files elsewhere",
        "segment: got unknown folder 'segment'; allowed: sources, segments. "
        "Fix: choose one of these (did you mean 'segments'?)",
        "sources/till.yml: got the ending .yml; allowed: .yaml. Fix: rename it to till.yaml",
    ]


def test_missing_files(project: Path, tmp_path: Path) -> None:
    (project / "match.yaml").unlink()
    (project / "sources" / "crm.yaml").unlink()
    assert mistakes(project)[:2] == [
        "sources: got no source; allowed: one YAML file a source. Fix: add one",
        "match.yaml: got no such file or directory; allowed: a readable file. Fix: check the path",
    ]
    nowhere = tmp_path / "nowhere"
    assert mistakes(nowhere) == [
        f"{nowhere}: Project folder not found. Pass --project DIR, set CDP_PROJECT, or run `cdp init {nowhere}`."
    ]


def test_the_hash_is_stable_and_knows_no_secret(project: Path) -> None:
    change(project, "sources/crm.yaml", "key: id", "key: id\noptions: {password: '${PW}'}")
    first = load_project(project, env={"PW": "hunter2"})
    change(project, "sources/crm.yaml", "name: crm", "# a comment\nname: 'crm'")
    (project / "sources" / "crm.yaml").rename(project / "sources" / "renamed.yaml")
    again = load_project(project, env={"PW": "other"})
    assert first.config_hash == again.config_hash == config_hash(again)
    change(project, "project.yaml", "{path: warehouse}", "{path: warehouse}\ntime_zone: Europe/Oslo")
    assert load_project(project, env={"PW": "other"}).config_hash != first.config_hash


def test_load_match_takes_a_whole_file_or_a_section(project: Path, tmp_path: Path) -> None:
    whole = load_match(project / "match.yaml")
    section = tmp_path / "section.yaml"
    section.write_text(
        "blocking: [{name: email, keys: [email]}]\ncomparisons: [{name: email, method: email, columns: [email]}]\n"
    )
    assert load_match(section) == whole
    with pytest.raises(InvalidProjectError, match="got no section `account`; allowed: person"):
        load_match(project / "match.yaml", entity_type="account")
    with pytest.raises(InvalidProjectError, match="no such file or directory"):
        load_match(tmp_path / "none.yaml")


def test_load_section(project: Path) -> None:
    assert load_section(ProjectSettings, project / "project.yaml").warehouse.path == "warehouse"
