"""A shop on 30 June 2026: purchase lines as `person product day quantity value`, and a catalogue."""

from __future__ import annotations

from datetime import date, timedelta

import pyarrow as pa

AS_OF = date(2026, 6, 30)


def lines(*texts: str) -> pa.Table:
    """Make purchase lines; the day is counted back from `AS_OF`, quantity is 1 and value 10 where they are left out."""
    rows = [[*text.split(), *["1", "10"][len(text.split()) - 3 :]] for text in texts]
    people, products, ago, quantity, value = zip(*rows, strict=True) if rows else ([],) * 5
    return pa.table(
        {
            "unified_id": pa.array(people, pa.string()),
            "product_id": pa.array(products, pa.string()),
            "occurred_at_utc": pa.array([AS_OF - timedelta(days=int(days)) for days in ago], pa.date32()),
            "quantity": pa.array([float(it) for it in quantity], pa.float64()),
            "value": pa.array([float(it) for it in value], pa.float64()),
        }
    )


def products(*texts: str) -> pa.Table:
    """Make a catalogue of `id name category`, in stock unless `out` follows."""
    rows = [text.split() for text in texts]
    return pa.table(
        {
            "product_id": pa.array([row[0] for row in rows], pa.string()),
            "name": pa.array([row[1] for row in rows], pa.string()),
            "category": pa.array([row[2] for row in rows], pa.string()),
            "in_stock": pa.array([row[-1] != "out" for row in rows]),
        }
    )
