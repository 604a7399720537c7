"""A shop in which Zoe wants to be erased: she is in every table, and shares a phone and a tablet with Zack."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
from pyspark.sql import functions as F
from tests.integration.small_project import write_small_project

from cdp_spark.clustering.labels import MUST_LINK
from cdp_spark.config.load import load_project
from cdp_spark.config.project import Project
from cdp_spark.labelling.links import Label, add_labels
from cdp_spark.runs.plan import RunOptions
from cdp_spark.runs.releases import current_release
from cdp_spark.runs.runner import nightly
from cdp_spark.tables.catalog import PROFILES, RECORDS
from cdp_spark.tables.store import Store

FIRST_NIGHT = datetime(2026, 3, 1, 2, tzinfo=UTC)
EMAIL, OLD_EMAIL = "zoe.quill@zoe-mail.example", "zoe@zoe-old.example"
HASHES = tuple(hashlib.sha256(email.encode()).hexdigest() for email in (EMAIL, OLD_EMAIL))
KEY_NAME = "CDP_TEST_SUPPRESSION_KEY"
os.environ.setdefault(KEY_NAME, "0123456789abcdef-not-shown")  # a secret may stand in no file
_PHONE = "+1 202 555 9001"
ZACK_EMAIL = "zack@zack.example"
_USER_ID = "identifiers: {user_id: user_no}"
_SOURCES = {
    "till": """
name: till
kind: records
format: csv
path: data/till.csv
key: receipt
columns: {given_name: first, family_name: last, phone: phone}
identifiers: {loyalty_id: card}
""",
    "web": """
name: web
kind: events
format: json
path: data/web.jsonl
events:
  event_type: type
  occurred_at: at
  event_id: id
  identifiers: {cookie_id: cookie, user_id: user}
drift: {missing: "null"}
""",
    "preferences": """
name: preferences
kind: consents
format: csv
path: data/preferences.csv
consents: {contact: contact, purpose: purpose, status: status, given_at: at}
""",
}


@dataclass(frozen=True)
class Shop:
    """The project's folder and its warehouse, after two nights."""

    folder: Path
    store: Store

    @property
    def project(self) -> Project:
        return load_project(self.folder)

    def record_key(self, source: str, source_record_id: str) -> str:
        is_it = (F.col("source") == source) & (F.col("source_record_id") == source_record_id)
        return str(self.store.read(RECORDS).where(is_it).collect()[0]["record_key"])

    def id_of(self, given_name: str) -> str:
        """The unified id of Zoe or Zack, in the current release."""
        is_it = (F.col("given_name") == given_name) & (F.col("family_name") == "Quill")
        [row] = current_release(self.store).read(self.store, PROFILES).where(is_it).collect()
        return str(row["unified_id"])


def write_shop(folder: Path) -> None:
    """Write the project and its first deliveries."""
    write_small_project(folder, people=60)
    for name, text in _SOURCES.items():
        (folder / "sources" / f"{name}.yaml").write_text(text.lstrip(), encoding="utf-8")
    for file, more in (("project", f'suppression: {{secret_key: "${{{KEY_NAME}}}"}}'), ("sources/customers", _USER_ID)):
        path = folder / f"{file}.yaml"
        path.write_text(f"{path.read_text('utf-8')}\n{more}\n", encoding="utf-8")
    deliver(folder, night=1)


def deliver(folder: Path, *, night: int) -> None:
    """Zoe is known by an old e-mail at first, and her receipt has no phone, so that it is not joined to her yet."""
    data, email = folder / "data", OLD_EMAIL if night == 1 else EMAIL
    at = f"2026-02-{night:02d}T09:00:00Z"
    of_zoe, of_zack = (_customer(name, at) for name in ("Zoe", "Zack"))
    _write_customers(data / "customers.csv", [of_zoe | {"email": email}, of_zack, of_zoe | {"customer_id": ""}])
    till = f"r1,Zoe,Quill,{'' if night == 1 else _PHONE},77-Zoe\nr2,Zack,Quill,,88\n"
    (data / "till.csv").write_text(f"receipt,first,last,phone,card\n{till}", encoding="utf-8")
    visits = [("c-zoe", "u-zoe"), ("c-zoe", None), ("tablet", "u-zoe"), ("tablet", "u-zack"), ("c-else", None)]
    lines = [
        json.dumps({"id": str(number), "type": "view", "at": "2026-02-20T10:00:00Z", "cookie": cookie, "user": user})
        for number, (cookie, user) in enumerate(visits)
    ]
    (data / "web.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    rows = [f"{it},email_marketing,granted,2026-02-01T00:00:00Z" for it in (EMAIL, OLD_EMAIL, ZACK_EMAIL)]
    (data / "preferences.csv").write_text("\n".join(["contact,purpose,status,at", *rows]) + "\n", encoding="utf-8")


def build_shop(store: Store, folder: Path) -> Shop:
    """Two nights; between them somebody labels Zoe's records."""
    write_shop(folder)
    shop = Shop(folder, store)
    nightly(store, shop.project, options_of(1))
    deliver(folder, night=2)
    keys = sorted((shop.record_key("customers", "9001"), shop.record_key("till", "r1")))
    label = Label((keys[0], keys[1]), MUST_LINK, "Zoe told us")
    add_labels(store, [label], author="kim", at=FIRST_NIGHT)
    nightly(store, shop.project, options_of(2))
    return shop


def copy_of(shop: Shop, folder: Path) -> Shop:
    shutil.copytree(shop.folder, folder / "shop")
    shutil.copytree(shop.store.location, folder / "warehouse")
    return Shop(folder / "shop", Store(shop.store.spark, str(folder / "warehouse")))


def options_of(night: int) -> RunOptions:
    return RunOptions(as_of=FIRST_NIGHT + timedelta(days=night - 1), report=False)


def texts_of(warehouse: Path) -> Iterator[tuple[Path, str]]:
    """Every file of the warehouse as text, of whatever version: rows, footers, logs."""
    for path in sorted(warehouse.rglob("*")):
        if path.suffix == ".parquet":
            yield path, f"{pq.read_metadata(path).to_dict()}{pq.read_table(path).to_pylist()}"
        elif path.is_file() and path.suffix != ".crc":
            yield path, path.read_text("utf-8", errors="replace")


def _customer(given: str, at: str) -> dict[str, str]:
    own = {
        "Zoe": {"customer_id": "9001", "birth_date": "1980-01-02", "email": EMAIL, "user_no": "u-zoe"},
        "Zack": {"customer_id": "9002", "birth_date": "1979-05-06", "email": ZACK_EMAIL, "user_no": "u-zack"},
    }
    place = {"street": "7 Elm Street", "city": "Springfield", "postcode": "62701", "phone": _PHONE}
    return {"first_name": given, "last_name": "Quill", **place, "tier": "gold", "updated_at": at, **own[given]}


def _write_customers(path: Path, people: Sequence[dict[str, str]]) -> None:
    """Put them behind those that are there, in place of those of the night before."""
    with path.open(encoding="utf-8", newline="") as file:
        others = [row for row in csv.DictReader(file) if row["last_name"] != "Quill"]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [*dict.fromkeys((*others[0], "user_no"))], lineterminator="\n")
        writer.writeheader()
        writer.writerows([*others, *people])
