"""Destinations: where segments go."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from cdp_spark.config.base import SafeName, Strict, Strings, mistake

NO_PURPOSE = "none"
"""The purpose of a destination of accounts: consents are given by persons."""


class FileDestination(Strict):
    """An export of a segment's profiles to a folder."""

    name: SafeName
    kind: Literal["csv", "parquet"]
    segment: str
    path: str
    """Folder; a release's export is written to `path/release=N`."""
    outside_project: bool = False
    """Whether `path` may be a folder of this machine outside the project's."""
    columns: Strings = Field(min_length=1)
    """Columns of a profile; `attributes.NAME` for an own attribute, which is written as NAME."""
    purpose: SafeName
    """The consent that a profile must have granted to be exported; `none` for segments of accounts only."""
    suppress: Strings = ()
    """Segments whose members are left out, such as those who bought already."""
    contact_point: Literal["email", "phone", "none"] = "email"
    """`email`, `phone`: the profile must have one and its own consent counts. `none`: the profile's consent counts."""
    spreadsheet_safe: bool = False
    """CSV: a cell that a spreadsheet would run as a formula gets a leading apostrophe."""
    min_members: Annotated[int, Field(ge=0)] = 0
    """A smaller segment is not exported."""

    @model_validator(mode="after")
    def _spreadsheets_are_csv(self) -> Self:
        if self.spreadsheet_safe and self.kind != "csv":
            raise mistake(
                got=f"spreadsheet_safe for {self.kind}", allowed="csv", fix="remove `spreadsheet_safe`", at=("kind",)
            )
        return self

    @model_validator(mode="after")
    def _purpose_of_contacts(self) -> Self:
        if self.purpose == NO_PURPOSE and self.contact_point != "none":
            got = f"contact_point {self.contact_point} without a purpose"
            fix = "write `contact_point: none`, or name the purpose that the contact point consented to"
            raise mistake(got=got, allowed="contact_point none", fix=fix, at=("purpose",))
        return self


class DestinationsConfig(Strict):
    """`destinations.yaml`."""

    destinations: tuple[FileDestination, ...] = ()
