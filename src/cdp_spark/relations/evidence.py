"""Which records of people name which accounts: by key, by an e-mail's domain, by the employer's name."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from cdp_spark import columns as c
from cdp_spark.tables.catalog import RECORDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyspark.sql import Column

    from cdp_spark.config.match import AccountKey, AccountMembersConfig, Relation

PERSON, ACCOUNT = "person", "account"
_VALUE, _DOMAINS, _COUNT = "named_value", "domains", "account_count"
_TARGET = [c.ACCOUNT_ID, c.ACCOUNT_RECORD_KEY]


def build_evidence(
    people: DataFrame, accounts: DataFrame, identifiers: DataFrame, *, config: AccountMembersConfig
) -> DataFrame:
    """Find the accounts that records of people name.

    Args:
        people: records of persons with their `unified_id`.
        accounts: records of accounts with their `account_id`.
        identifiers: of the accounts' records.
        config: which relations are used, and how.

    Returns:
        one row per record of a person, account and relation: unified_id, record_key, relation, account_id,
        account_record_key (the smallest record of the account that was named).
    """
    builders: dict[Relation, Callable[[], DataFrame]] = {
        "key": lambda: build_key_evidence(people, accounts, identifiers, keys=config.keys),
        "domain": lambda: build_domain_evidence(people, accounts, excluded=config.excluded_domains),
        "employer": lambda: build_employer_evidence(people, accounts),
    }
    named = [builders[relation]().withColumn(c.RELATION, F.lit(relation)) for relation in config.precedence]
    person = [c.UNIFIED_ID, c.RECORD_KEY, c.RELATION]
    found = reduce(DataFrame.unionByName, named)
    return found.groupBy(*person, c.ACCOUNT_ID).agg(F.min(c.ACCOUNT_RECORD_KEY).alias(c.ACCOUNT_RECORD_KEY))


def build_key_evidence(
    people: DataFrame, accounts: DataFrame, identifiers: DataFrame, *, keys: tuple[AccountKey, ...]
) -> DataFrame:
    """Read the numbers of accounts that people's records hold; a number of several accounts names none of them."""
    nobody = people.limit(0).select(c.UNIFIED_ID, c.RECORD_KEY, *(F.lit("").alias(name) for name in _TARGET))
    found = [_key_evidence(people, _numbers(accounts, identifiers, key), key) for key in keys]
    return reduce(DataFrame.unionByName, found, nobody)


def _key_evidence(people: DataFrame, numbers: DataFrame, key: AccountKey) -> DataFrame:
    is_column = key.attribute in RECORDS.schema.names
    value = F.col(key.attribute).cast("string") if is_column else F.try_element_at(c.ATTRIBUTES, F.lit(key.attribute))
    return _named_by(people.withColumn(_VALUE, F.trim(value)), _unambiguous(numbers))


def _numbers(accounts: DataFrame, identifiers: DataFrame, key: AccountKey) -> DataFrame:
    """The accounts' numbers that a key may hold."""
    if key.source is not None:
        return accounts.where(F.col(c.SOURCE) == key.source).withColumn(_VALUE, F.trim(c.SOURCE_RECORD_ID))
    of_type = identifiers.where(F.col(c.USABLE) & (F.col(c.TYPE) == key.identifier))
    values = of_type.select(F.col(c.RECORD_KEY).alias(c.ACCOUNT_RECORD_KEY), F.col(c.VALUE).alias(_VALUE))
    return accounts.select(*_TARGET).join(values, on=c.ACCOUNT_RECORD_KEY, how="inner")


def build_domain_evidence(people: DataFrame, accounts: DataFrame, *, excluded: tuple[str, ...] = ()) -> DataFrame:
    """Read the domains of people's e-mails that are one account's.

    Standardising leaves no free-mail provider among the accounts' domains, so nobody is joined by one.
    """
    usable = accounts.where(~F.col(c.DOMAIN).isin(*(domain.lower() for domain in excluded)))
    borne = people.select(c.UNIFIED_ID, c.RECORD_KEY, F.explode(domains_expr()).alias(_VALUE))
    return _named_by(borne, _unambiguous(usable.withColumn(_VALUE, F.col(c.DOMAIN))))


def domains_expr() -> Column:
    """A record's own domain and those of its e-mails, once each."""
    of_emails = F.transform(c.EMAILS, lambda email: F.lower(F.substring_index(email, "@", -1)))
    return F.array_compact(F.array_distinct(F.concat(of_emails, F.array(c.DOMAIN))))


def build_employer_evidence(people: DataFrame, accounts: DataFrame) -> DataFrame:
    """Read the employers' names that are one account's, or, of several, of the one whose domain or postcode agrees.

    Names are compared without their legal form. Namesakes are joined on the name with what must agree, never on the
    name alone: a chain has thousands of employees and of branches.
    """
    employed = people.withColumns({_VALUE: F.col(c.COMPANY_CORE), _DOMAINS: domains_expr()})
    named = accounts.withColumn(_VALUE, F.col(c.COMPANY_CORE))
    namesakes = named.join(_unambiguous(named).select(_VALUE), on=_VALUE, how="left_anti")
    person = [c.UNIFIED_ID, c.RECORD_KEY]
    at_domain = employed.select(*person, _VALUE, F.explode(_DOMAINS).alias(c.DOMAIN))
    agreeing = [
        at_domain.join(namesakes.select(_VALUE, c.DOMAIN, *_TARGET), on=[_VALUE, c.DOMAIN], how="inner"),
        employed.join(namesakes.select(_VALUE, c.POSTCODE, *_TARGET), on=[_VALUE, c.POSTCODE], how="inner"),
    ]
    of_namesakes = reduce(DataFrame.unionByName, [rows.select(*person, *_TARGET) for rows in agreeing])
    chosen = _unambiguous(of_namesakes.withColumn(_VALUE, F.col(c.RECORD_KEY)), *person)
    return _named_by(employed, _unambiguous(named)).unionByName(chosen.select(*person, *_TARGET))


def _named_by(people: DataFrame, named: DataFrame) -> DataFrame:
    return people.join(named, on=_VALUE, how="inner").select(c.UNIFIED_ID, c.RECORD_KEY, *_TARGET)


def _unambiguous(named: DataFrame, *also: str) -> DataFrame:
    """The values that name one account only, one row each, with the smallest record that bears them."""
    values = [_VALUE, *also]
    by_value = named.where(F.col(_VALUE).isNotNull()).groupBy(*values)
    counted = by_value.agg(F.count_distinct(c.ACCOUNT_ID).alias(_COUNT), *(F.min(name).alias(name) for name in _TARGET))
    return counted.where(F.col(_COUNT) == 1).select(*values, *_TARGET)


def with_ids(records: DataFrame, unified_ids: DataFrame, *, entity_type: str) -> DataFrame:
    """The records of an entity type with their ids; an account's as `account_id` and `account_record_key`."""
    ids = unified_ids.where(F.col(c.ENTITY_TYPE) == entity_type).select(c.RECORD_KEY, c.UNIFIED_ID)
    known = records.where(F.col(c.ENTITY_TYPE) == entity_type).join(ids, on=c.RECORD_KEY, how="inner")
    if entity_type == PERSON:
        return known
    return known.withColumnsRenamed({c.UNIFIED_ID: c.ACCOUNT_ID, c.RECORD_KEY: c.ACCOUNT_RECORD_KEY})
