"""How far apart numbers, days and places are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from cdp_spark.resolution.comparing.similarity import MISSING_CODE, Coded

if TYPE_CHECKING:
    from numpy.typing import NDArray

_EARTH_RADIUS_KM = 6371.0088
"""Mean radius of the earth (IUGG)."""
_NOWHERE = (float("nan"), float("nan"))


def relative_difference(column: Coded, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.float64]:
    """Difference of two numbers as a share of the larger one; infinite where one is no number.

    Args:
        column: numbers as text.
        left: codes, shape (pairs,).
        right: codes, shape (pairs,).
    """
    numbers = column.map(_number, dtype=np.float64)
    a, b = numbers[left], numbers[right]
    largest = np.maximum(np.abs(a), np.abs(b))
    return _infinite_unless_known(np.divide(np.abs(a - b), largest, out=np.zeros(len(a)), where=largest != 0))


def days_apart(column: Coded, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.float64]:
    """Days between two dates written as yyyymmdd; infinite where one is no date."""
    days = column.map(_day, dtype=np.float64)
    return _infinite_unless_known(np.abs(days[left] - days[right]))


def kilometres_apart(column: Coded, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.float64]:
    """Great-circle distance of two places by the haversine formula (Sinnott 1984); infinite where one is no place.

    Args:
        column: places as text, `latitude,longitude` in degrees.
        left: codes, shape (pairs,).
        right: codes, shape (pairs,).
    """
    places = np.radians(np.array([_place(text) for text in column.texts], dtype=np.float64).reshape(-1, 2))
    (lat_l, lon_l), (lat_r, lon_r) = places[left].T, places[right].T
    half_chord = np.sin((lat_r - lat_l) / 2) ** 2 + np.cos(lat_l) * np.cos(lat_r) * np.sin((lon_r - lon_l) / 2) ** 2
    return _infinite_unless_known(2 * _EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(half_chord, 0, 1))))


def joined_places(latitude: Coded, longitude: Coded) -> Coded:
    """Two columns of degrees as one column of places; no place where one of the two is missing."""
    known = (latitude.codes != MISSING_CODE) & (longitude.codes != MISSING_CODE)
    texts = [
        f"{latitude.texts[lat]},{longitude.texts[lon]}" if both else None
        for lat, lon, both in zip(latitude.codes, longitude.codes, known, strict=True)
    ]
    return Coded(pa.array(texts, pa.string()))


def _infinite_unless_known(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.isnan(values), np.inf, values)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _day(text: str) -> float:
    try:
        day = np.datetime64(f"{text[:4]}-{text[4:6]}-{text[6:]}", "D")
    except ValueError:
        return float("nan")
    return float(day.astype(np.int64))


def _place(text: str) -> tuple[float, float]:
    latitude, _, longitude = text.partition(",")
    place = _number(latitude), _number(longitude)
    return place if abs(place[0]) <= 90 and abs(place[1]) <= 180 else _NOWHERE
