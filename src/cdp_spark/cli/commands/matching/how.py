"""`cdp how`: how a person's records came together."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer

from cdp_spark.cli.commands.opening import open_project
from cdp_spark.cli.display.output import console, print_json, print_rows
from cdp_spark.cli.display.pair import finite, weight_text
from cdp_spark.cli.options import Json
from cdp_spark.cli.references import (
    ALLOWED,
    find_records,
    joining_types,
    match_of,
    record_titles,
    without_visitors,
)
from cdp_spark.clustering.kinds import VISITOR
from cdp_spark.config.match import ClusteringConfig
from cdp_spark.config.project import Project
from cdp_spark.explain.cluster import ClusterExplanation, Settings, explain_clusters
from cdp_spark.explain.merges import Merge
from cdp_spark.explain.pairs.facts import RecordName
from cdp_spark.explain.pairs.verdict import CUT_WORDS
from cdp_spark.normalise.text import plural


def how(
    ctx: typer.Context,
    reference: Annotated[str, typer.Argument(metavar="ID", help=ALLOWED)],
    json: Json = False,
) -> None:
    """Show how a cluster came together: its merges, its weakest link, what was cut from it, the labels in force."""
    project, store = open_project(ctx)
    records = without_visitors(find_records(store, reference))
    found = explain_clusters(store, [it.record_key for it in records], settings=_settings(project, records))
    if json:
        print_json([_facts(it) for it in found])
        return
    keys = {key for it in found for key in _keys(it)}
    names = record_titles(store, sorted(keys))
    for it in found:
        _print(it, names)


def _settings(project: Project, records: Sequence[RecordName]) -> Settings:
    """How clusters of these records are made; visitors alone are clustered by identifiers only."""
    types = tuple(project.identifiers.rules)
    if records[0].entity_type == VISITOR:
        return Settings(ClusteringConfig(), (), types)
    entity_type, match = match_of(project, records)
    return Settings(match.clustering, joining_types(project, entity_type), types)


def _facts(cluster: ClusterExplanation) -> dict[str, Any]:
    facts: dict[str, Any] = finite(asdict(cluster))
    weakest = finite(asdict(cluster.weakest)) if cluster.weakest else None
    return facts | {"weakest": weakest, "replayed": cluster.replayed}


def _keys(cluster: ClusterExplanation) -> set[str]:
    cut = {key for it in cluster.cuts for key in (it.record_key, it.other_key)}
    labelled = {key for it in cluster.labels for key in (it.record_key_l, it.record_key_r)}
    visitors = {it.visitor.record_key for it in cluster.visitors}
    return cut | labelled | visitors | {it.record_key for it in cluster.records}


def _print(cluster: ClusterExplanation, names: dict[str, str]) -> None:
    out = console()
    count = plural(len(cluster.records), "record")
    count += f", {plural(len(cluster.visitors), 'visitor')}" if cluster.visitors else ""
    out.print(f"\n[bold]cluster {cluster.cluster}[/] of {count}", markup=True)
    if cluster.records:
        out.print(", ".join(it.title for it in cluster.records), markup=False)
    rows = [{"step": str(number), **_merge_row(it, names)} for number, it in enumerate(cluster.merges, start=1)]
    if rows:
        print_rows(rows, title="\nmerges, strongest first")
    if not cluster.replayed:
        out.print(
            "Not every step can be shown: scores or labels changed since this cluster was made, or a record outside it "
            "decided the order.",
            soft_wrap=True,
        )
    if cluster.weakest is not None:
        out.print(f"\nWeakest link: {_weakest(cluster.weakest, names)}", markup=False)
    if cluster.visitors:
        print_rows(_visitor_rows(cluster), title="\nvisitors, and the identifier that links them")
    _print_cuts(cluster, names)


def _print_cuts(cluster: ClusterExplanation, names: dict[str, str]) -> None:
    out = console()
    for reason, times in cluster.cut_counts.items():
        out.print(f"\ncut {plural(times, 'time')}: {CUT_WORDS[reason]}")
    if cluster.cuts:
        print_rows(_cut_rows(cluster, names))
    if cluster.labels:
        told = [
            {
                "record": names.get(it.record_key_l, it.record_key_l),
                "other record": names.get(it.record_key_r, it.record_key_r),
                "label": it.label,
            }
            for it in cluster.labels
        ]
        print_rows(told, title="\nlabels in force")


def _visitor_rows(cluster: ClusterExplanation) -> list[dict[str, str]]:
    return [
        {
            "visitor": it.visitor.title,
            "by": "label" if it.labelled else it.identifier_type or "",
            "in common with": it.shared_with.title if it.shared_with else "nobody",
        }
        for it in cluster.visitors
    ]


def _cut_rows(cluster: ClusterExplanation, names: dict[str, str]) -> list[dict[str, str]]:
    return [
        {
            "record": names.get(it.record_key, it.record_key),
            "from": names.get(it.other_key, it.other_key),
            "bits": "" if it.weight_log2 is None else weight_text(it.weight_log2),
            "reason": it.reason,
            **({"identifier": it.identifier_type or ""} if any(cut.identifier_type for cut in cluster.cuts) else {}),
        }
        for it in cluster.cuts
    ]


def _merge_row(merge: Merge, names: dict[str, str]) -> dict[str, str]:
    strongest = merge.strongest
    pair = [names.get(key, key) for key in (strongest.left, strongest.right)]
    return {
        "part of": f"{names.get(merge.left, merge.left)} ({merge.records_l:,})",
        "and part of": f"{names.get(merge.right, merge.right)} ({merge.records_r:,})",
        "mean bits": weight_text(merge.mean_log2),
        "compared": f"{merge.compared:,} of {merge.pairs:,}",
        "strongest pair": " – ".join(pair),
        "bits": weight_text(strongest.weight_log2),
    }


def _weakest(merge: Merge, names: dict[str, str]) -> str:
    row = _merge_row(merge, names)
    bits = row["bits"] if row["bits"] == "not compared" else f"{row['bits']} bits"
    link = "a deterministic rule or label" if row["bits"] == "certain" else bits
    return f"{row['part of']} and {row['and part of']}, joined by {row['strongest pair']} ({link})"
