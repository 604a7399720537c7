"""One self-contained page of a view: nothing is fetched, every value is escaped, only its own style and script may act.

The timeline's events are JSON in the page. The script makes rows as one scrolls, so that 50,000 events open at once.
"""

from __future__ import annotations

import os
from base64 import b64encode
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from cdp_spark import columns as c
from cdp_spark.version import __version__
from cdp_spark.view.text import counted, shown, words

if TYPE_CHECKING:
    from pathlib import Path

    from cdp_spark.view.model import Event, ProfileView

_HEAD = (c.EMAIL, c.PHONE, c.BIRTH_DATE, c.CITY, c.COUNTRY)
"""Attributes that stand beside the name."""
_ASIDE = frozenset({"sessions", "attributions", "identifiers"})
"""Sections that are folded: long, and seldom asked for."""


@dataclass(frozen=True)
class _Asset:
    """A style or script of the page.

    Args:
        text: as it stands between its tags.
    """

    text: str

    @classmethod
    def read(cls, name: str) -> _Asset:
        return cls((files("cdp_spark.view") / "templates" / name).read_text(encoding="utf-8"))

    @property
    def source(self) -> str:
        """As the policy names it."""
        return f"'sha256-{b64encode(sha256(self.text.encode()).digest()).decode()}'"


def render_view(view: ProfileView) -> str:
    """Write a view as one HTML file."""
    environment = Environment(
        loader=PackageLoader("cdp_spark.view"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters |= {"shown": shown, "words": words, "counted": counted}
    environment.tests["a_time"] = lambda value: isinstance(value, date)
    style, script = _Asset.read("profile.css"), _Asset.read("profile.js")
    values = {it.name: it.value for it in view.attributes}
    return environment.get_template("profile.html").render(
        view=view,
        head={name: values[name] for name in _HEAD if name in values},
        open_sections=[it for it in view.sections if it.rows and it.name not in _ASIDE],
        folded_sections=[it for it in view.sections if it.rows and it.name in _ASIDE],
        empty=", ".join(it.title.lower() for it in view.sections if not it.rows),
        record_rows=record_rows(view),
        events=pack_events(view.timeline),
        policy=f"default-src 'none'; style-src {style.source}; script-src {script.source}; "
        "base-uri 'none'; form-action 'none'",
        style=Markup(style.text),  # the package's own files
        script=Markup(script.text),
        version=__version__,
    )


def write_view(view: ProfileView, path: Path) -> None:
    """Write a view's page to a file that only its owner may read."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(render_view(view))


def record_rows(view: ProfileView) -> dict[str, list[tuple[str, bool]]]:
    """Lay records side by side: attribute to what each record says, and whether the profile has it from there."""
    names = view.records[0].values if view.records else ()
    return {name: [(shown(it.values[name]), name in it.wins) for it in view.records] for name in names}


def pack_events(timeline: tuple[Event, ...]) -> dict[str, Any]:
    """Put events into few bytes: times in milliseconds, types, sources and people by their place in a list."""
    types, sources = (sorted({getattr(it, name) for it in timeline}) for name in ("event_type", "source"))
    people = sorted({it.who for it in timeline if it.who is not None})
    places = [{name: place for place, name in enumerate(names)} for names in (types, sources, people)]
    events = [
        [
            round(it.occurred_at.timestamp() * 1000),
            places[0][it.event_type],
            places[1][it.source],
            it.details,
            *([] if it.who is None else [places[2][it.who]]),
        ]
        for it in timeline
    ]
    return {"types": types, "sources": sources, "people": people, "events": events}
