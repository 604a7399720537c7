"""Destinations of rows in destinations.yaml: what is accepted, and each mistake with its full message."""

from __future__ import annotations

from pathlib import Path

import pytest

from cdp_spark.config.checks import destinations as deliveries
from cdp_spark.config.load import load_project
from cdp_spark.config.load.mistakes import MAX_SHOWN
from cdp_spark.errors import InvalidProjectError

KINDS = "csv, parquet, google_customer_match, meta_audience, webhook, slack, postgres, drt"
ENV = {
    "SECRET": "whsec_c2VjcmV0IG9mIHRoZSByZWNlaXZlcg==",
    "SLACK": "https://hooks.slack.com/services/x",
    "PASSWORD": "p",
    "NOT_BASE64": "not base64!",
}
COMMON = "segment: gold, columns: [email], purpose: email_marketing"
WEBHOOK = "kind: webhook, url: https://x.org/hook, secret: '${SECRET}'"
POSTGRES = "kind: postgres, url: postgresql://db/crm, user: cdp, password: '${PASSWORD}', table: people"


def write(project: Path, *destinations: str) -> None:
    lines = [f"  - {{name: d{number}, {COMMON}, {it}}}\n" for number, it in enumerate(destinations)]
    (project / "destinations.yaml").write_text("destinations:\n" + "".join(lines))


def test_every_kind_is_accepted(project: Path) -> None:
    slack = "kind: slack, url: '${SLACK}', template: '{action} {email} {segment}'"
    write(project, WEBHOOK, slack, POSTGRES, "kind: meta_audience, path: ads")
    found = load_project(project, env=ENV).destinations
    assert [it.name for it in found.rows] == ["d0", "d1", "d2"]
    assert [it.name for it in found.files] == ["d3"]
    assert [it.mode for it in found.rows] == ["diff", "changes", "diff"]
    assert "c2VjcmV0" not in repr(found) + str(found.model_dump())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kind: webhok", f"kind: got 'webhok'; allowed: {KINDS}. Fix: choose one of these (did you mean 'webhook'?)"),
        ("mode: diff", "kind: got nothing. Fix: add the key `kind`"),
        (
            f"{WEBHOOK}, retries: 3",
            "retries: got unknown key 'retries'; allowed: name, segment, segments, exclude, columns, purpose, "
            "contact_point, min_members, max_members, channel, priority, experiment, ignore_hold_out, mode, nulls, "
            "max_refusals, url, timeout_seconds, private_addresses, kind, secret, batch_size, row_errors. "
            "Fix: choose one of these",
        ),
        (
            WEBHOOK.replace("https", "http"),
            "url: got another kind of URL; allowed: https://…. Fix: write the whole URL",
        ),
        (
            WEBHOOK.replace("SECRET", "NOT_BASE64"),
            "secret: got a secret that is not base64; allowed: base64, with or without whsec_. "
            "Fix: take the secret that the receiver made, such as whsec_…",
        ),
        (
            WEBHOOK.replace("${SECRET}", "c2VjcmV0"),
            "secret: got a secret in clear; allowed: ${NAME} of an environment variable. "
            "Fix: set a variable to the secret, name it here, and change the secret: it was in a file",
        ),
        (
            "kind: slack, url: 'https://hooks.slack.com/x', template: hello",
            "url: got a URL in clear; allowed: ${NAME} of an environment variable. "
            "Fix: set a variable to the URL and name it here: who knows the URL can post",
        ),
        (
            "kind: slack, url: '${SLACK}', template: 'Hi {emial}'",
            "template: got unknown name 'emial'; allowed: email, action, segment, unified_id. "
            "Fix: choose one of these (did you mean 'email'?)",
        ),
        (
            POSTGRES.replace("people", "'people; drop table x'"),
            "table: got 'people; drop table x'; allowed: text like ^([a-z_][a-z0-9_]*\\.)?[a-z_][a-z0-9_]*$",
        ),
        (
            "kind: google_customer_match, path: ads, columns: [email, revenue]",
            "columns.1: got column 'revenue' for google_customer_match; "
            "allowed: email, phone, given_name, family_name, country, postcode. Fix: choose one of these",
        ),
    ],
)
def test_mistakes(project: Path, text: str, expected: str) -> None:
    common = COMMON.replace("columns: [email], ", "") if "columns" in text else COMMON
    (project / "destinations.yaml").write_text(f"destinations:\n  - {{name: d0, {common}, {text}}}\n")
    with pytest.raises(InvalidProjectError) as caught:
        load_project(project, env=ENV)
    (error,) = caught.value.errors
    assert len(error.got) < MAX_SHOWN
    assert str(error).split(" destinations.0.", 1)[1] == expected


def test_two_destinations_of_one_table(project: Path) -> None:
    write(project, POSTGRES, POSTGRES)
    with pytest.raises(InvalidProjectError, match=r"destinations\.1\.table: got the table of destination 'd0'\. Fix: "):
        load_project(project, env=ENV)


def test_a_destination_whose_package_is_missing(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "find_spec", lambda _name: None)
    write(project, WEBHOOK)
    with pytest.raises(
        InvalidProjectError,
        match=r"kind: got webhook, for which httpx and standardwebhooks must be installed\. "
        r"Fix: install the extra: pip install 'cdp-spark\[activation\]'",
    ):
        load_project(project, env=ENV)
