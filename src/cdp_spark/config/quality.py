"""Gates of data quality: `gates.quality` of `project.yaml`."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from cdp_spark.config.base import SafeName, Strict, mistake

SourceMeasure = Literal["rows", "freshness_days", "rows_delivered", "rejected_share", "volume_ratio"]
FieldMeasure = Literal["completeness", "validity", "uniqueness"]

_OF_FIELDS = ("completeness", "validity", "uniqueness")


class QualityGate(Strict):
    """Bounds for a measure of a source, or of one of its fields; a release is refused when a figure is outside."""

    source: SafeName
    field: str | None = None
    """A field of the source's records (`email`, an own attribute), or an identifier type of its events."""
    measure: SourceMeasure | FieldMeasure
    """Of a field: `completeness` (rows that have a value), `validity` (given values that could be read) or `uniqueness`
    (values that are different ones), as shares. Of a source: `rows`, `freshness_days` (age of the newest row),
    `rows_delivered`, `rejected_share` or `volume_ratio` (rows delivered by what is usual)."""
    min: float | None = Field(default=None, allow_inf_nan=False)
    max: float | None = Field(default=None, allow_inf_nan=False)
    max_drop: float | None = Field(default=None, ge=0, le=1)
    """Share of the last release's figure that it may be lower by."""

    @model_validator(mode="after")
    def _can_close(self) -> Self:
        if (self.measure in _OF_FIELDS) != (self.field is not None):
            got = f"`{self.measure}` {'without' if self.field is None else 'with'} `field`"
            fix = "add `field`" if self.field is None else "remove `field`"
            raise mistake(got=got, allowed=f"`field` with {', '.join(_OF_FIELDS)}, and only with these", fix=fix)
        if self.min is None and self.max is None and self.max_drop is None:
            raise mistake(got="no bound", allowed="`min`, `max`, `max_drop` or several of them", fix="add one")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise mistake(got=f"min {self.min:g} above max {self.max:g}", fix="swap them")
        return self
