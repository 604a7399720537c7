"""What all configuration models share."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Strict(BaseModel):
    """A frozen model that refuses unknown keys and silent conversions."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


SafeName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
"""A name that is safe as a table, file or column name."""
