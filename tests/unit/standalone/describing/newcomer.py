"""Six files as a web shop exports them: German and British, each in a notation of its own, with usual faults."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

GIVEN = ("Anna", "Jürgen", "Sören", "Emma", "Oliver", "Charlotte", "Harry", "Käthe", "Jörg", "Bärbel")
FAMILY = ("Müller", "Schäfer", "Groß", "Smith", "Taylor", "Brown", "Wilson", "Köhler", "Weiß", "Evans")
_PEOPLE = 60
_SHOP_FROM = 30
"""People from this one on buy in the web shop, too."""


def name_of(person: int) -> tuple[str, str]:
    return GIVEN[person % 10], FAMILY[(person // 10 + person) % 10]


def email_of(person: int) -> str:
    return f"person.{person}@example.com"


def write_files(folder: Path) -> list[str]:
    """Write the files; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "crm_export.csv").write_bytes(_crm().encode("cp1252"))
    (folder / "newsletter.jsonl").write_text(_newsletter(), encoding="utf-8")
    pq.write_table(_shop_customers(), folder / "shop_customers.parquet")
    (folder / "orders.csv").write_text(_orders(), encoding="utf-8")
    (folder / "web_events.jsonl").write_text(_web_events(), encoding="utf-8")
    (folder / "consents.csv").write_text(_consents(), encoding="utf-8")
    return [str(path) for path in sorted(folder.iterdir())]


def _crm() -> str:
    lines = ["Kundennr;Vorname;Nachname;Geburtsdatum;E-Mail;Telefon;Straße;PLZ;Ort;Kundenbetreuer;Geändert am"]
    for at in range(_PEOPLE):
        given, family = name_of(at)
        born, changed = f"{1 + at % 28:02d}.{1 + at % 12:02d}.{1950 + at % 50}", f"{1 + at % 28:02d}.03.2025 07:15"
        email = email_of(at) if at % 7 else ""
        cells = (f"K{2000 + at}", given, family, born, email, f"0151 {23000000 + at * 137}", f"Hauptstraße {at + 1}")
        lines.append(";".join([*cells, f"{50670 + at}", "Köln", "Herr Meier" if at % 2 else "Frau Wolf", changed]))
    return "\r\n".join(lines)


def _newsletter() -> str:
    rows = []
    for at in range(20, 50):
        given, family = name_of(at)
        row = {"subscriber_id": f"N{at}", "email": email_of(at).upper(), "name": f"{given} {family}"}
        rows.append(
            json.dumps(row | {"profile": {"country": "GB" if at % 2 else "DE"}, "updated_at": "2025-04-02T10:00:00Z"})
        )
    return "\n".join(rows)


def _shop_customers() -> pa.Table:
    people = range(_SHOP_FROM, _PEOPLE)
    return pa.table(
        {
            "customer_id": [9000 + at for at in people],
            "first_name": [name_of(at)[0] for at in people],
            "last_name": [name_of(at)[1] for at in people],
            "email": [email_of(at) for at in people],
            "dob": [datetime(1950 + at % 50, 1 + at % 12, 1 + at % 28, tzinfo=UTC) for at in people],
            "created_at": [datetime(2025, 1, 1 + at % 28, 10, at, tzinfo=UTC) for at in people],
        }
    )


def _orders() -> str:
    lines = ["order_no,line_no,customer_id,email,order_date,product,quantity,price,currency"]
    for order in range(90):
        person = _SHOP_FROM + order % 30
        for line in range(1, 2 + order % 3):
            day = f"{1 + order % 28:02d}/{1 + order % 12:02d}/2025 12:{order % 60:02d}"
            lines.append(
                f"O{order},{line},{9000 + person},{email_of(person)},{day},SKU{order % 9},{line},{10 + order}.50,GBP"
            )
    return "\n".join(lines) + "\n"


def _web_events() -> str:
    rows = []
    for at in range(120):
        row = {"ts": 1_750_000_000_000 + at * 60_000, "event": ("page_view", "add_to_cart", "login")[at % 3]}
        logged_in = {"user_id": 9000 + _SHOP_FROM + at % 30} if at % 3 == 2 else {}
        rows.append(json.dumps(row | {"cookie_id": f"c{at % 25}", "url": "https://shop.example/x"} | logged_in))
    return "\n".join(rows)


def _consents() -> str:
    lines = ["email;purpose;status;date;source"]
    for at in range(_PEOPLE):
        lines.append(
            f"{email_of(at)};email_marketing;{'erteilt' if at % 4 else 'widerrufen'};{1 + at % 28:02d}.05.2025;form"
        )
    return "\n".join(lines) + "\n"
