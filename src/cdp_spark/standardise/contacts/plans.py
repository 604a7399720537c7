"""The numbering plans that native patterns know; every other number goes to `phonenumbers`."""

from __future__ import annotations

NORTH_AMERICA = ("US", "CA", "PR")
WITHOUT_DOUBLE_ZERO = (*NORTH_AMERICA, "AU")
"""Regions that dial abroad by another prefix than 00."""

_NO_TRUNK = {"ES": "34", "DK": "45", "NO": "47", "PL": "48", "PT": "351", "IT": "39", "US": "1", "CA": "1", "PR": "1"}
_TRUNK_ZERO = {
    "GB": "44",
    "DE": "49",
    "FR": "33",
    "NL": "31",
    "CH": "41",
    "BE": "32",
    "AT": "43",
    "SE": "46",
    "IE": "353",
    "AU": "61",
    "NZ": "64",
    "IN": "91",
    "ZA": "27",
}
TRUNK_ZERO = tuple(_TRUNK_ZERO)
"""Regions that put a 0 before a national number."""

COUNTRY_CODES = {**_NO_TRUNK, **_TRUNK_ZERO}

SUBSCRIBERS = {
    "1": r"[2-9]\d{9}",
    "27": r"[1-9]\d{8}",
    "31": r"[1-9]\d{8}",
    "32": r"[1-9]\d{7,8}",
    "33": r"[1-9]\d{8}",
    "34": r"[5-9]\d{8}",
    "351": r"[29]\d{8}",
    "353": r"[1-9]\d{7,8}",
    "39": r"3\d{9}",
    "41": r"[2-9]\d{8}",
    "43": r"[1-9]\d{8,10}",
    "44": r"[1-9]\d{9}",
    "45": r"[2-9]\d{7}",
    "46": r"[1-9]\d{6,8}",
    "47": r"[2-9]\d{7}",
    "48": r"[1-9]\d{8}",
    "49": r"[1-9]\d{8,10}",
    "61": r"[2-478]\d{8}",
    "64": r"[2-9]\d{7,8}",
    "91": r"[6-9]\d{9}",
}
"""Country code to the national numbers, trunk prefix left out, that a native pattern may read."""

PLAIN_E164 = r"^\+(?:" + "|".join(code + plan for code, plan in sorted(SUBSCRIBERS.items())) + ")$"
"""Numbers that need no library: country code, then a national number of a usual length."""

NATIONAL_DIGITS = r"^\d{6,15}$"
"""What a number without any country looks like."""
