"""Experiments: their segments and sources, and the arms that destinations name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdp_spark.config.base import choose_one
from cdp_spark.config.experiments import CONTROL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cdp_spark.config.checks.files import ProjectFiles
    from cdp_spark.config.destination import ArmOfExperiment
    from cdp_spark.config.documents.document import Location
    from cdp_spark.config.experiments import ExperimentConfig
    from cdp_spark.errors import ConfigError


def experiment_mistakes(files: ProjectFiles) -> Iterator[ConfigError]:
    """Find unknown segments, sources, experiments and arms, and destinations of people who are to get nothing."""
    if files.experiments is not None:
        for index, experiment in enumerate(files.experiments.value.experiments):
            yield from _origin_mistakes(experiment, ("experiments", index), files)
    if files.are_whole("experiments.yaml") and files.destinations is not None:
        for index, destination in enumerate(files.destinations.value.destinations):
            if destination.experiment is not None:
                yield from _arm_mistakes(destination.experiment, ("destinations", index, "experiment"), files)


def _origin_mistakes(experiment: ExperimentConfig, at: Location, files: ProjectFiles) -> Iterator[ConfigError]:
    section = files.experiments
    if section is None:
        return
    segments = [it.value.name for it in files.segments]
    if experiment.segment is not None and files.are_whole("segments") and experiment.segment not in segments:
        got, allowed, fix = _unknown("segment", experiment.segment, segments)
        yield section.mistake(*at, "segment", got=got, allowed=allowed, fix=fix)
    sources = [it.value.name for it in files.sources if it.value.kind == "records"]
    if experiment.assignments is not None and files.are_whole("sources"):
        name = experiment.assignments.source
        if name not in sources:
            got, allowed, fix = _unknown("source of records", name, sources)
            yield section.mistake(*at, "assignments", "source", got=got, allowed=allowed, fix=fix)
    if experiment.household and files.match is not None and not files.match.value.households.enabled:
        got, fix = "households kept together, and none are made", "switch them on, or leave `household` out"
        yield section.mistake(*at, "household", got=got, allowed="`households` in match.yaml", fix=fix)


def _arm_mistakes(wanted: ArmOfExperiment, at: Location, files: ProjectFiles) -> Iterator[ConfigError]:
    section = files.destinations
    if section is None:
        return
    experiments = {it.name: it for it in files.experiments.value.experiments} if files.experiments else {}
    if wanted.name not in experiments:
        got, allowed, fix = _unknown("experiment", wanted.name, experiments)
        yield section.mistake(*at, "name", got=got, allowed=allowed, fix=fix)
        return
    arms = [it for it in experiments[wanted.name].arms if it != CONTROL]
    if wanted.arm == CONTROL:
        got = f"'{CONTROL}', the people who are to get nothing"
        yield section.mistake(*at, "arm", got=got, allowed=", ".join(arms), fix="choose one of these")
    elif wanted.arm not in arms:
        got, allowed, fix = _unknown("arm", wanted.arm, arms)
        yield section.mistake(*at, "arm", got=got, allowed=allowed, fix=fix)


def _unknown(noun: str, name: str, known: Iterable[str]) -> tuple[str, str, str]:
    names = list(known)
    return f"unknown {noun} '{name}'", ", ".join(names) or "none, as there is none", choose_one(name, names)
