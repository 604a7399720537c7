"""The time zone of a person: what the profile says, else the country's where it has one, else the project's."""

from __future__ import annotations

import zoneinfo
from functools import cache
from importlib.resources import files

import pyarrow as pa
import yaml


def zones_of(given: pa.Array, countries: pa.Array, default: str) -> pa.Array:
    """Return the zone of each row.

    Args:
        given: zones as profiles name them; unknown names count as none.
        countries: two-letter codes.
        default: for all others.
    """
    named = _looked_up(given, {zone: zone for zone in _known_zones()})
    of_country = _looked_up(countries, country_zones())
    return pa.compute.coalesce(named, of_country, pa.scalar(default))


@cache
def country_zones() -> dict[str, str]:
    """Country to its zone, of countries all of whose zones show the same time."""
    text = files("cdp_spark.normalise").joinpath("country_zones.yaml").read_text(encoding="utf-8")
    zones: dict[str, str] = yaml.safe_load(text)
    return zones


@cache
def _known_zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def _looked_up(values: pa.Array, meanings: dict[str, str]) -> pa.Array:
    encoded = values.cast(pa.string()).dictionary_encode()
    meant = pa.array([meanings.get(value) for value in encoded.dictionary.to_pylist()], pa.string())
    return meant.take(encoded.indices)
