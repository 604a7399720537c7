"""Business accounts with firmographics, and the smaller list that partners send."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cdp_spark.demo.files.delivery import Batch, Source, record_batches
from cdp_spark.demo.files.lines import Format
from cdp_spark.demo.noise import chance, with_short_streets, with_typos
from cdp_spark.demo.observe import write_phones
from cdp_spark.demo.sources.texts import iso_utc, members, random_ids
from cdp_spark.demo.words import Columns, Indices, Times, blank, either, join, stream, take, words_of

if TYPE_CHECKING:
    from cdp_spark.demo.world import World


def company_names(rng: np.random.Generator, accounts: Columns, variant_share: float) -> pa.Array:
    """Write companies' names with their legal forms, a share of them in another way.

    Args:
        rng: the random stream.
        accounts: stem and legal_form.
        variant_share: share of names with another or no legal form, or other signs.
    Returns: names.
    """
    size = len(accounts["stem"])
    varied = chance(rng, size, variant_share)
    stem = with_typos(rng, accounts["stem"], variant_share / 8)
    stem = either(varied & chance(rng, size, 0.5), pc.replace_substring(stem, " & ", " und "), stem)
    stem = either(varied & chance(rng, size, 0.15), pc.utf8_upper(stem), stem)
    form = either(varied, _other_forms(rng, accounts["legal_form"]), accounts["legal_form"])
    return pc.utf8_rtrim_whitespace(join(stem, form, separator=" "))


def _other_forms(rng: np.random.Generator, forms: pa.Array) -> pa.Array:
    """Choose another notation of each legal form; empty for none."""
    listed = words_of("companies", kind="legal_form").to_pylist()
    variants = {row["value"]: [*row["variants"].split("|"), ""] for row in listed}
    pick = rng.integers(0, 2**16, len(forms)).tolist()
    options = [variants[form] for form in forms.to_pylist()]
    return pa.array([of[at % len(of)] for of, at in zip(options, pick, strict=True)], pa.string())


def _observe(world: World, who: Indices, rng: np.random.Generator) -> Columns:
    accounts, rates, size = take(world.accounts, who), world.rates.noise, len(who)
    street = with_short_streets(rng, accounts["street"], rates.abbreviated_street)
    factor = either(chance(rng, size, 0.3), rng.integers(80, 121, size), pa.array(np.full(size, 100)))
    factor = factor.to_numpy()
    return accounts | {
        "name": company_names(rng, accounts, rates.account_name_variant),
        "street": join(with_typos(rng, street, rates.address_typo), accounts["house_no"], separator=" "),
        "city": with_typos(rng, accounts["city"], rates.address_typo),
        "registration_number": blank(
            accounts["registration_number"], chance(rng, size, rates.missing_registration_number)
        ),
        "domain": blank(accounts["domain"], chance(rng, size, rates.missing_email)),
        "phone": write_phones(rng, accounts["phone"], accounts["country"], np.full(size, True)),
        "employees": pa.array(np.maximum(accounts["employees"].to_numpy() * factor // 100, 1)),
        "revenue_eur": pa.array(accounts["revenue_eur"].to_numpy() * factor // 100),
    }


def _deliver_accounts(world: World, nights: int) -> list[Batch]:
    rng, rates = stream(world.seed, "accounts", "members"), world.rates.source
    once = rng.permutation(np.flatnonzero(chance(rng, world.account_count, rates.account)))
    again = once[chance(rng, len(once), rates.account_twice)]
    numbers = 20_000 + world.account_count + np.arange(len(again))
    second = join("AC-", pc.cast(pa.array(numbers), pa.string()))
    ids = pa.concat_arrays([world.accounts["account_no"].take(once), second])
    return record_batches(world, nights, name="accounts", who=np.r_[once, again], ids=ids, build=_accounts)


def _accounts(world: World, who: Indices, ids: pa.Array, changed: Times, rng: np.random.Generator) -> Columns:
    seen = _observe(world, who, rng)
    columns = ("name", "registration_number", "domain", "industry", "employees", "revenue_eur")
    address = ("street", "postcode", "city", "country")
    return {"account_no": ids, **{name: seen[name] for name in (*columns, *address)}, "updated_at": iso_utc(changed)}


def _deliver_partners(world: World, nights: int) -> list[Batch]:
    rng, rates = stream(world.seed, "partner_accounts", "members"), world.rates.source
    who = members(rng, chance(rng, world.account_count, rates.partner_account), rates.twice_in_a_source)
    ids = random_ids(rng, "PA", len(who))
    return record_batches(world, nights, name="partner_accounts", who=who, ids=ids, build=_partners)


def _partners(world: World, who: Indices, ids: pa.Array, changed: Times, rng: np.random.Generator) -> Columns:
    seen = _observe(world, who, rng)
    return {
        "partner_ref": ids,
        "company_name": seen["name"],
        "website": join("https://www.", seen["domain"], "/"),
        "phone": seen["phone"],
        "street": seen["street"],
        "zip": seen["postcode"],
        "city": seen["city"],
        "country": seen["country"],
        "headcount": seen["employees"],
        "modified": iso_utc(changed),
    }


COMPANY_SOURCES = (
    Source("accounts", Format("csv", ".csv"), "account_no", "updated_at", _deliver_accounts, "account"),
    Source("partner_accounts", Format("json", ".jsonl"), "partner_ref", "modified", _deliver_partners, "account"),
)
