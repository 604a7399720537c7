"""How common names of people are wherever one lives: what is known of them before any data.

`common_names.yaml` beside this file lists the names that many bear, by country, with how many in a thousand do. A name
has the share of the country where it is commonest, for nobody says which country a record is of.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files  # the package may lie in a zip
from typing import TYPE_CHECKING

import yaml

from cdp_spark import columns as c
from cdp_spark.normalise.people.names import spelt_out
from cdp_spark.normalise.text import words

if TYPE_CHECKING:
    from collections.abc import Mapping

_FILE = "common_names.yaml"
_LISTS = {c.GIVEN_NAME: "given_names", c.FAMILY_NAME: "family_names"}


def usual_shares(column: str) -> Mapping[str, float]:
    """Map names, as `spelt_out` gives them, to the share of people who bear them; empty for other columns."""
    return _shares().get(_LISTS.get(column, ""), {})


@cache
def _shares() -> Mapping[str, Mapping[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for kind, countries in yaml.safe_load(files(__package__).joinpath(_FILE).read_text(encoding="utf-8")).items():
        shares = found.setdefault(kind, {})
        for per_mille, names in (item for country in countries.values() for item in country.items()):
            for name in map(spelt_out, words(names)):
                shares[name] = max(shares.get(name, 0.0), per_mille / 1000)
    return found
