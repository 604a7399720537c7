"""Recognise rows that say who allowed what: a contact, a purpose, a status and a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdp_spark.ingest.staging.consents import status_of
from cdp_spark.standalone.describing import roles
from cdp_spark.standalone.describing.sample import Proposal
from cdp_spark.standalone.discovery.vocabulary import plain_name

if TYPE_CHECKING:
    from cdp_spark.standalone.describing.sample import Sample

_MOSTLY = 0.6


def propose_consents(sample: Sample) -> Proposal | None:
    """Propose a source of consents; None where the rows are none."""
    names = sample.rows.column_names
    status = next((it for it in roles.matching(roles.STATUS, names) if _share_known(sample, it) >= _MOSTLY), None)
    contacts = [*sample.columns_of("email", "phone"), *roles.matching(roles.CONTACT, names)]
    purpose = next((it for it in roles.matching(roles.PURPOSE, names) if it != status), None)
    time = next(iter(sorted(sample.times, key=names.index)), None)
    if status is None or purpose is None or time is None or not contacts:
        return None
    fields: dict[str, Any] = {"contact": contacts[0], "purpose": purpose, "status": status}
    fields["given_at"] = sample.time_field(time)
    evidence = next((it for it in roles.matching(roles.EVIDENCE, names) if it not in {*contacts, purpose, time}), None)
    if evidence is not None:
        fields["evidence"] = evidence
    statuses, unsure = _statuses(sample, status)
    if statuses:
        fields["statuses"] = statuses
    comments = {
        "consents.contact": "an e-mail address or a phone",
        "consents.purpose": "one of project.yaml's consent.purposes",
        "consents.status": "granted, denied or withdrawn; other words are translated under `statuses`",
    }
    used = {*contacts[:1], purpose, status, time, evidence}
    unused = tuple((it, "no part of a consent") for it in names if it not in used)
    return Proposal("", {"consents": fields}, comments, unused, tuple(unsure))


def _share_known(sample: Sample, column: str) -> float:
    values = sample.values(column)
    return sum(_guess(text) is not None for text in values) / max(len(values), 1)


def _guess(text: str) -> str | None:
    return status_of(text) or roles.STATUS_WORDS.get(plain_name(text))


def _statuses(sample: Sample, column: str) -> tuple[dict[str, str], list[str]]:
    words = sorted({text.lower() for text in sample.values(column) if status_of(text) is None})
    guessed = {text: it for text in words if (it := roles.STATUS_WORDS.get(plain_name(text))) is not None}
    unsure = [f"statuses: '{text}' is taken for {it}." for text, it in guessed.items()]
    unsure += [f"statuses: '{text}' has no meaning yet; add it." for text in words if text not in guessed]
    return guessed, unsure
