"""`experiments.yaml`: who gets a campaign by chance, who is held out, and what is measured."""

from __future__ import annotations

import math
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from cdp_spark.config.base import SafeName, Strict, Strings, check_distinct, mistake

CONTROL, TREATED = "control", "treated"
"""The arm that gets nothing, of every experiment; the other one of the global hold-out."""
HOLD_OUT = "hold_out"
"""Name of the global hold-out among the experiments."""
_SUM_TOLERANCE = 1e-6

Percent = Annotated[float, Field(ge=0, le=100)]
Day = Annotated[date, Field(strict=False)]


class OutcomeOfExperiment(Strict):
    """What people did after they were assigned."""

    events: Annotated[Strings, Field(min_length=1)]
    """Event types that count; with returns, whose values are negative, `sum` is net."""
    within_days: float = Field(default=30, gt=0, le=3660)
    """From a person's assignment."""
    value: Literal["any", "sum"] = "any"
    """`any`: the share of people with such an event. `sum`: the mean of their values, in the project's currency."""

    @property
    def sentence(self) -> str:
        """What is measured, in words."""
        what = "share with" if self.value == "any" else "value of"
        return f"{what} {' or '.join(self.events)} within {self.within_days:g} days"


class AssignmentsFile(Strict):
    """A CSV file of assignments that were made elsewhere."""

    path: str
    """A file of this machine; a relative path is below the project's folder."""
    source: SafeName
    """Source of records whose IDs the file names."""
    record_id: str = "source_record_id"
    """Column with the record's ID in that source."""
    arm: str = "arm"
    """Column with the arm."""
    assigned_at: str = "assigned_at"
    """Column with the time, ISO 8601; UTC where it names no offset."""

    @model_validator(mode="after")
    def _is_local(self) -> Self:
        if "://" in self.path:
            fix = "mount or copy it: the driver reads the file"
            raise mistake(got="a URI", allowed="a path of this machine", fix=fix, at=("path",))
        return self


class ExperimentConfig(Strict):
    """One experiment: arms that people are put in by chance, and stay in."""

    name: SafeName
    segment: str | None = None
    """Segment whose members take part."""
    assignments: AssignmentsFile | None = None
    """Takes the arms from a file, instead of drawing them."""
    arms: dict[SafeName, Percent]
    """Percent of the people by arm; `control` is held out. A changed share holds for new people only."""
    household: bool = False
    """Whether people of a household are kept together."""
    starts: Day
    """First day on which people are assigned."""
    ends: Day
    """Last day; after it a destination that names the experiment gets nobody."""
    outcome: OutcomeOfExperiment

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if (self.segment is None) == (self.assignments is None):
            got = "neither `segment` nor `assignments`" if self.segment is None else "`segment` and `assignments`"
            raise mistake(got=got, allowed="one of them", fix="a file of assignments says itself who takes part")
        return self

    @model_validator(mode="after")
    def _name_is_free(self) -> Self:
        if self.name == HOLD_OUT:
            raise mistake(got=f"the name '{HOLD_OUT}'", fix="it is the global hold-out's; rename it", at=("name",))
        return self

    @model_validator(mode="after")
    def _arms_are_whole(self) -> Self:
        if CONTROL not in self.arms or len(self.arms) < 2:
            allowed, fix = f"`{CONTROL}` and at least one other arm", f"name the arm that gets nothing `{CONTROL}`"
            raise mistake(got=", ".join(self.arms) or "no arms", allowed=allowed, fix=fix, at=("arms",))
        total = math.fsum(self.arms.values())
        if abs(total - 100) > _SUM_TOLERANCE:
            fix = "change the shares so that they add up to 100"
            raise mistake(got=f"shares that add up to {total:g}", allowed="100 percent", fix=fix, at=("arms",))
        return self

    @model_validator(mode="after")
    def _days_in_order(self) -> Self:
        if self.ends < self.starts:
            got = f"{self.ends.isoformat()}, which is before {self.starts.isoformat()}"
            raise mistake(got=got, allowed="a day that is not before `starts`", fix="swap the two", at=("ends",))
        return self


class HoldOutConfig(Strict):
    """`hold_out`: people whom no campaign reaches, to measure all campaigns together."""

    percent: Annotated[float, Field(gt=0, lt=100)]
    """Percent of all people. A changed one holds for new people only."""
    household: bool = False
    """Whether people of a household are kept together."""
    outcome: OutcomeOfExperiment | None = None
    """What is compared between the people held out and all others; without it nothing is."""


class ExperimentsConfig(Strict):
    """`experiments.yaml`."""

    hold_out: HoldOutConfig | None = None
    """People whom no destination gets, unless it says `ignore_hold_out: true`."""
    experiments: tuple[ExperimentConfig, ...] = Field(default=(), max_length=100)
    """The experiments."""

    @model_validator(mode="after")
    def _distinct_names(self) -> Self:
        check_distinct([it.name for it in self.experiments], section="experiments")
        return self

    def find(self, name: str) -> ExperimentConfig | None:
        """The experiment of a name."""
        return next((it for it in self.experiments if it.name == name), None)
