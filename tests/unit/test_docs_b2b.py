"""What docs/b2b.md shows is what the product does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pyarrow as pa

from cdp_spark.config.load.project import load_project
from cdp_spark.normalise.people.companies import currency_of_figure, read_figure
from cdp_spark.normalise.people.job_titles import read_job_title
from cdp_spark.relations.hierarchy import RECORD_COLUMNS, build_account_hierarchy

PAGE = (Path(__file__).parents[2] / "docs" / "b2b.md").read_text(encoding="utf-8")
PROJECT = """\
name: b2b
namespace: 5f0f9a3e-6a0c-4c39-9d0e-2f6b7f1f8c11
warehouse: {path: warehouse}
"""
MATCHING = """\
person: {blocking: [{name: email, keys: [email]}], comparisons: [{name: email, method: email, columns: email}]}
account:
  blocking: [{name: domain, keys: [domain]}]
  comparisons: [{name: name, method: company, columns: company_name}]
"""
PEOPLE = """\
name: people
kind: records
format: csv
path: people.csv
key: no
columns: {email: mail}
attributes: {employer_no: employer}
"""


def table(name: str) -> list[list[str]]:
    """The cells of a table of the page."""
    [found] = re.findall(rf"<!-- {name} -->\n\|.*\n\|.*\n((?:\|.*\n)+)<!-- end -->", PAGE)
    return [[cell.strip().strip("`") for cell in line[1:-1].split("|")] for line in found.splitlines()]


def test_the_configuration_of_the_page_is_valid(tmp_path: Path) -> None:
    files = dict(re.findall(r"```yaml\n# (\S+)\n(.*?)```", PAGE, re.DOTALL))
    assert len(files) == 5
    own = {"project.yaml": PROJECT, "sources/people.yaml": PEOPLE, "match.yaml": MATCHING + files["match.yaml"]}
    for name, text in {**files, **own}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    env = dict.fromkeys(("SLACK_SALES_URL", "SLACK_ANN_URL"), "https://hooks.slack.com/services/x")
    project = load_project(tmp_path, env=env)
    assert [it.name for it in project.insights.traits if it.entity == "account"] == [
        *("account_spend", "group_spend", "account_quiet", "account_people", "account_deciders", "account_lead")
    ]


def test_figures_are_read_as_the_page_says() -> None:
    for written, figure, currency in table("figures"):
        assert (read_figure(written).value, currency_of_figure(written)) == (float(figure), currency or None), written


def test_job_titles_tell_what_the_page_says() -> None:
    for title, *told in table("titles"):
        assert read_job_title(title) == tuple(it or None for it in told), title


def test_the_hierarchy_is_the_one_of_the_page() -> None:
    rows = table("hierarchy")
    records: dict[str, list[Any]] = {name: [None] * len(rows) for name in (*RECORD_COLUMNS, "account_id")}
    for place, (key, parent, *_) in enumerate(rows):
        given = {"account_id": key, "record_key": key, "source": "companies", "source_record_id": key}
        for name, value in {**given, "parent_account": parent or None}.items():
            records[name][place] = value
    accounts = pa.table({name: pa.array(values, pa.string()) for name, values in records.items()})
    identifiers = pa.table({name: pa.array([], pa.string()) for name in ("record_key", "value")})
    found = {it["unified_id"]: it for it in build_account_hierarchy(accounts, identifiers).to_pylist()}
    for key, _, parent_id, depth, path, issue in rows:
        told = {"parent_id": parent_id or None, "depth": int(depth), "path": path.split(", "), "issue": issue or None}
        assert found[key].items() >= told.items(), key
