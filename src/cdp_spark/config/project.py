"""The project: its name, where its tables are, its defaults and gates, those of data quality among them."""

from __future__ import annotations

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from cdp_spark.config.base import SafeName, Strict, TimeZone, mistake
from cdp_spark.config.destination import NO_PURPOSE, DestinationsConfig
from cdp_spark.config.experiments import ExperimentsConfig
from cdp_spark.config.identifiers import IdentifierRules, OwnIdentifier
from cdp_spark.config.insights.section import InsightsConfig
from cdp_spark.config.match import MatchConfig
from cdp_spark.config.profile import SurvivorshipConfig
from cdp_spark.config.segment import SegmentConfig
from cdp_spark.config.source import SourceConfig

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


class Warehouse(Strict):
    """Where the Delta tables are: a folder or URI, or a schema of the catalog."""

    path: str | None = None
    """Relative to the project folder."""
    catalog_schema: str | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.path is None) == (self.catalog_schema is None):
            got = "neither" if self.path is None else "both"
            raise mistake(got=got, allowed="either `path` or `catalog_schema`", fix="write one place for the tables")
        return self


GoldTable = Literal[
    "unified_ids",
    "id_registry",
    "id_changes",
    "identity_issues",
    "unified_events",
    "sessions",
    "attributions",
    "profiles",
    "profile_history",
    "profile_values",
    "account_members",
    "account_hierarchy",
    "households",
    "funnels",
    "retention",
    "abandoned",
    "scores",
    "offers",
    "traits",
    "segments",
    "segment_members",
    "segment_changes",
    "experiment_assignments",
    "experiment_results",
]
"""The tables that are published together."""


Share = Annotated[float, Field(ge=0, le=1)]


class RowBounds(Strict):
    """How many rows a table may have."""

    min: Annotated[int, Field(ge=0)] = 0
    max: Annotated[int, Field(ge=0)] | None = None
    max_change: Annotated[float, Field(ge=0)] | None = None
    """Share of the last release's rows that the number may go up or down by."""


class Gates(Strict):
    """A release is refused, and the last one stays, when a figure is out of bounds."""

    max_cluster_records: Annotated[int, Field(ge=1)] = 1_000
    """Records of one person. Identity holds a larger cluster, so that it is not merged, and lists it in
    `identity_issues`; a release is refused only if an id has more records all the same."""
    max_held_share: Share = 0.05
    """Share of the records in clusters that identity held: a few are accidents, many are a match gone wrong."""
    min_match_rate: Share = 0.0
    """Share of the records that share their id with another one, at least."""
    max_match_rate: Share = 1.0
    max_rejected_share: Annotated[float, Field(ge=0, le=1)] = 0.2
    max_id_churn: Annotated[float, Field(ge=0, le=1)] = 0.2
    """Share of the previous release's records that changed their id, or that left and whose id ended."""
    min_profiles: Annotated[int, Field(ge=0)] = 1
    rows: dict[GoldTable, RowBounds] = {}
    """Bounds for single tables."""
    quality: tuple[QualityGate, ...] = ()
    """Bounds for single measures of data quality."""


class ConsentPolicy(Strict):
    """`consent` section: how consents are read."""

    default: Literal["granted", "denied"] = "denied"
    """What holds where a contact point has no consent for a purpose."""
    purposes: tuple[SafeName, ...] = ("email_marketing", "sms_marketing", "profiling", "ad_targeting")

    @model_validator(mode="after")
    def _none_is_no_purpose(self) -> Self:
        if NO_PURPOSE in self.purposes:
            fix = "give the purpose another name: a destination of accounts says `purpose: none`"
            raise mistake(got=f"the purpose '{NO_PURPOSE}'", fix=fix, at=("purposes",))
        return self


class SuppressionKey(Strict):
    """`suppression` section: the key of the hashes of those who must not come back."""

    secret_key: str = Field(repr=False)
    """`${NAME}` of a variable with 16 random characters or more; never change it once somebody is on the list."""
    key_id: SafeName = "k1"
    """Stands beside each hash, so that a list of another key is noticed."""


class ProjectSettings(Strict):
    """`project.yaml`."""

    name: SafeName
    namespace: Annotated[UUID, Field(strict=False)]
    """Namespace of the unified ids; never change it."""
    warehouse: Warehouse
    default_region: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] = "US"
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "EUR"
    """ISO 4217 code of the currency that all events' values are converted to."""
    time_zone: TimeZone = "UTC"
    """Where a day begins and ends, in segments, rates and reports; tables and exports have times in UTC."""
    spark: dict[str, str] = {}
    private_files: bool = True
    """Tables, exports and reports are for the user who runs this only; false leaves it to the folders they are in."""
    gates: Gates = Gates()
    consent: ConsentPolicy = ConsentPolicy()
    suppression: SuppressionKey | None = None
    identifiers: dict[SafeName, OwnIdentifier] = {}
    """The project's own types of identifiers, such as a membership number."""
    report: str | None = None
    """Folder of the run reports, relative to the project folder; without it `report` beside the warehouse."""


class Project(Strict):
    """A whole project folder, checked."""

    folder: str
    settings: ProjectSettings
    sources: tuple[SourceConfig, ...]
    match: MatchConfig
    survivorship: SurvivorshipConfig = SurvivorshipConfig()
    insights: InsightsConfig = InsightsConfig()
    segments: tuple[SegmentConfig, ...] = ()
    experiments: ExperimentsConfig = ExperimentsConfig()
    destinations: DestinationsConfig = DestinationsConfig()
    config_hash: str
    """SHA-256 of the files' content, without secrets."""

    @property
    def identifiers(self) -> IdentifierRules:
        """The rules of all types of identifiers."""
        return IdentifierRules.of(self.match.identifiers, self.settings.identifiers)
