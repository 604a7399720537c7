"""How a source's columns are named: as values, times and identifiers."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from pydantic import Field, model_validator

from cdp_spark.config.base import SafeName, Shorthand, Strings, TimeZone, mistake
from cdp_spark.errors import ConfigError
from cdp_spark.normalise.times import compile_time

if TYPE_CHECKING:
    from collections.abc import Callable

BUILT_IN_TYPES = ("user_id", "device_id", "cookie_id", "loyalty_id", "customer_id", "email", "phone", "email_sha256")
"""Types of identifiers that every project has."""
IdentifierType = SafeName
"""One of these, or of the project's own (`identifiers` in project.yaml)."""


def check_formats(compiled: Callable[..., object], *settings: object, at: tuple[str, ...]) -> None:
    """Have a model refuse formats that cannot be compiled."""
    try:
        compiled(*settings)
    except ConfigError as error:
        raise mistake(got=error.got, allowed=error.allowed, fix=error.fix, at=at) from None


class ColumnMapping(Shorthand):
    """Where an attribute's value comes from; `email: E-Mail` is short for `email: {from: [E-Mail]}`.

    `from` names one column, or several: the first usable value is the attribute's, and all usable e-mails and phones
    are kept as contact points. `join` glues several columns to one value instead. `value` is a literal.
    """

    main_key: ClassVar[str] = "from"

    from_: Strings = Field(default=(), alias="from")
    join: str | None = None
    value: str | None = None
    formats: Strings = ()
    """Date patterns in Spark's notation, or `dmy`, `mdy`, `spreadsheet_serial`, `epoch_seconds`, `epoch_millis`,
    `epoch_micros`; tried in order."""

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if bool(self.from_) == (self.value is not None):
            got = "neither" if self.value is None else "both"
            raise mistake(got=got, allowed="either `from` or `value`", fix="write `from` with the source's column")
        if self.join is not None and len(self.from_) < 2:
            raise mistake(got="`join` with one column", allowed="`join` with several", fix="remove `join`")
        return self


class TimeField(Shorthand):
    """A column that holds a time; `observed_at: updated` is short for `observed_at: {column: updated}`."""

    main_key: ClassVar[str] = "column"

    column: str
    formats: Strings = ()
    """Spark patterns, or `epoch_seconds`, `epoch_millis`, `epoch_micros`; none means ISO 8601."""
    time_zone: TimeZone = "UTC"
    """Zone of the values that carry none."""

    @model_validator(mode="after")
    def _readable(self) -> Self:
        check_formats(compile_time, self.formats, self.time_zone, at=("formats",))
        return self
