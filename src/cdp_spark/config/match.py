"""`match.yaml`: how records are blocked, compared and clustered, and who belongs to accounts and households."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, ClassVar, Literal, Self, get_args

from pydantic import Field, model_validator

from cdp_spark.conditions import find_mistake
from cdp_spark.config.base import SafeName, Shorthand, Strict, Strings, mistake
from cdp_spark.config.identifiers import IdentifiersConfig
from cdp_spark.config.mapping import IdentifierType
from cdp_spark.normalise.people.job_titles import Role

Relation = Literal["key", "domain", "employer"]
"""How a person's record names an account: by its number, by an e-mail's domain, by the employer's name."""


RELATIONS: tuple[Relation, ...] = get_args(Relation)


class AccountKey(Strict):
    """Where people's records name an account by its number, and whose number that is."""

    attribute: str
    """An own attribute or a column of people's records."""
    source: SafeName | None = None
    """A source of accounts: the attribute holds its record's key."""
    identifier: IdentifierType | None = None
    """Instead of a source: the attribute holds an account's identifier of this type."""

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if (self.source is None) == (self.identifier is None):
            got = "neither `source` nor `identifier`" if self.source is None else "`source` and `identifier`"
            fix = "name the source of accounts whose key it is, or the accounts' identifier"
            raise mistake(got=got, allowed="one of both", fix=fix)
        return self


class AccountMembersConfig(Strict):
    """The section `account_members` of `match.yaml`: which accounts people belong to."""

    enabled: bool = True
    precedence: tuple[Relation, ...] = RELATIONS
    """The relations that are used, the most trusted first: it makes an account the person's primary one."""
    keys: tuple[AccountKey, ...] = ()
    excluded_domains: Strings = ()
    """Domains that say nothing about an employer, beside free mail and those of several accounts."""
    roles: dict[Role, Strings] = {}
    """Words of job titles that tell a role in this project; they come before the vocabulary's. `*` at the end of a word
    stands for more letters."""

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        if len(set(self.precedence)) < len(self.precedence):
            twice = next(name for name in self.precedence if self.precedence.count(name) > 1)
            raise mistake(got=f"'{twice}' twice", allowed="each once", fix="remove one", at=("precedence",))
        return self


class HouseholdsConfig(Strict):
    """The section `households` of `match.yaml`: who lives together."""

    enabled: bool = True
    max_people: Annotated[int, Field(ge=2, le=100)] = 12
    """People of one household; more of one name are the tenants of a tower, and have none."""
    max_people_per_address: Annotated[int, Field(ge=2, le=1000)] = 20
    """People at an address up to which a shared phone or mailbox joins other names, too; beyond, the family name only
    does."""
    shared_contacts: tuple[Literal["phone", "email"], ...] = ("phone", "email")
    """What joins people of one address and different names."""


KeyTransform = Literal[
    "exact", "prefix", "suffix", "phonetic", "initial", "year", "first_word", "last_word", "tokens", "minhash"
]
"""How a value becomes a part of a blocking key; `tokens` yields one key for each of its six
longest words, or of a list's elements, `minhash` keys of which texts with many three-letter pieces in common share
one."""


Method = Literal[
    "exact",
    "jaro_winkler",
    "levenshtein",
    "name",
    "company",
    "date",
    "email",
    "phone",
    "address",
    "set_overlap",
    "tokens",
    "digits",
    "generation",
    "phonetic",
    "number",
    "days",
    "geo",
    "sql",
]
"""How values are compared: `levenshtein` counts a transposition as one edit, `tokens` is the share of common words,
rare words counting more, `set_overlap` is for lists, `generation` for suffixes such as Jr and III, `number` is a
difference relative to the larger one, `days` a distance of dates, `geo` one of places, `sql` asks conditions of one's
own."""


_OF_MANY_COLUMNS: dict[Method, int] = {"address": 4, "geo": 2, "name": 3, "company": 2, "sql": 8}


_WITHOUT_FREQUENCY: frozenset[Method] = frozenset({"address", "generation", "number", "days", "geo", "sql"})


_MOST_CONDITIONS = 14


class BlockingKey(Shorthand):
    """A part of a blocking rule: a column and how its value is coarsened; `email` is short for `{column: email}`."""

    main_key: ClassVar[str] = "column"

    column: str
    transform: KeyTransform = "exact"
    length: Annotated[int, Field(ge=1, le=32)] = 4
    """Characters kept by prefix and suffix."""


class BlockingRule(Strict):
    """Two records are candidates when all the parts agree; a null part gives no key."""

    name: SafeName
    keys: tuple[BlockingKey, ...]
    """Without any, every two records are candidates, as long as there are no more than the rule's
    `max_block_records`."""
    split_by: BlockingKey | None = None
    """A further part for blocks that are too large; without it they are purged and counted."""
    max_block_records: Annotated[int, Field(ge=2)] | None = None
    """This rule's own limit."""

    @model_validator(mode="after")
    def _has_keys_or_limit(self) -> Self:
        if not self.keys and self.max_block_records is None:
            allowed = "at least one key, or max_block_records, to compare every two of so many records"
            raise mistake(got="no keys", allowed=allowed, at=("keys",))
        return self


class Comparison(Strict):
    """How one or several columns are compared."""

    name: SafeName
    method: Method
    columns: Strings = Field(min_length=1)
    """One column, but for five methods: `name` takes a name, the one that it may be swapped with and the whole name,
    whose words may stand in any order, `company` a name without and with its legal form, `address` a street, then any
    of city, postcode and house_number, `geo` latitude and longitude, or one column `52.52,13.40`, `sql` all that its
    conditions name."""
    thresholds: tuple[float, ...] = ()
    """Of each level below exact, best first; defaults by method. A similarity; for `levenshtein` edits, for `number` a
    share of the larger one, for `days` days, for `geo` kilometres."""
    conditions: tuple[str, ...] = Field(default=(), max_length=_MOST_CONDITIONS)
    """Of `sql`: a level each, best first, in SQL of DuckDB over `x_l` and `x_r` for a column x, such as
    `starts_with(x_l, x_r)`; one that holds with the two records exchanged holds, too. Values are text as matching
    compares it: small letters, no accents, dates as 20260131. A null condition where none holds is a missing value."""
    term_frequency: bool = True
    """Agreement on a rare value weighs more."""

    @property
    def weighs_frequency(self) -> bool:
        """Whether equal values have a level for rare ones: a rare number or place says no more than a common one."""
        return self.term_frequency and self.method not in _WITHOUT_FREQUENCY

    @model_validator(mode="after")
    def _few_columns(self) -> Self:
        most = _OF_MANY_COLUMNS.get(self.method, 1)
        if len(self.columns) > most:
            got = f"{len(self.columns)} columns for {self.method}"
            fix = "compare each column apart"
            raise mistake(got=got, allowed=f"at most {most}", fix=fix, at=("columns",))
        return self

    @model_validator(mode="after")
    def _sound_conditions(self) -> Self:
        if self.method != "sql" and self.conditions:
            raise mistake(
                got=f"conditions for {self.method}", fix="set method: sql, or leave them out", at=("conditions",)
            )
        if self.method == "sql" and not self.conditions:
            raise mistake(got="sql without conditions", fix="list them, the best first", at=("conditions",))
        for place, condition in enumerate(self.conditions):
            problem = find_mistake(condition, self.columns)
            if problem:
                allowed = f"a condition over {', '.join(f'{name}_l, {name}_r' for name in self.columns)}"
                raise mistake(got=problem, allowed=allowed, at=("conditions", place))
        return self


class DeterministicRule(Strict):
    """Two records that agree on all columns match, whatever the model says, unless a limit or label forbids."""

    name: SafeName
    columns: Strings = Field(min_length=1)
    contradictions: Literal["respect", "ignore"] = "respect"
    """`respect`: of two records whose given names or birth dates have nothing in common the model decides."""


class ClusteringConfig(Strict):
    """From scored pairs to clusters."""

    threshold_log2: float = 0.0
    """Match weight in bits from which a pair is an edge."""
    engine: Literal["auto", "local", "graphframes", "dataframe"] = "auto"
    local_max_edges: Annotated[int, Field(ge=0)] = 15_000_000
    missing_weight: Annotated[float, Field(lt=0)] = -0.5
    """What a pair that was never compared counts in average linkage, bits."""
    max_component_records: Annotated[int, Field(ge=2)] = 20_000
    unique: Strings = ()
    """Columns of which a cluster may hold only one value."""


class EntityMatch(Strict):
    """How the records of one entity type are matched."""

    blocking: tuple[BlockingRule, ...] = Field(min_length=1)
    comparisons: tuple[Comparison, ...] = Field(min_length=1, max_length=15)
    deterministic: tuple[DeterministicRule, ...] = ()
    max_block_records: Annotated[int, Field(ge=2)] = 500
    clustering: ClusteringConfig = ClusteringConfig()
    max_sharing: dict[str, Annotated[int, Field(ge=2)]] = {"email": 20, "phone": 20}
    """Records that may share an identifier's value before it no longer identifies."""
    seed: int = 1

    @model_validator(mode="after")
    def _unique_names(self) -> Self:
        for group in (self.blocking, self.comparisons, self.deterministic):
            twice = [name for name, count in Counter(item.name for item in group).items() if count > 1]
            if twice:
                raise mistake(got=f"the name '{twice[0]}' twice", allowed="a name once a list", fix="rename one")
        return self


class MatchConfig(Strict):
    """`match.yaml`: one section an entity type, then `identifiers`, `account_members` and `households`."""

    person: EntityMatch | None = None
    account: EntityMatch | None = None
    identifiers: IdentifiersConfig = Field(default_factory=IdentifiersConfig)
    account_members: AccountMembersConfig = AccountMembersConfig()
    households: HouseholdsConfig = HouseholdsConfig()

    @property
    def entities(self) -> dict[str, EntityMatch]:
        """Entity type to its section, those that are there."""
        sections = {"person": self.person, "account": self.account}
        return {name: section for name, section in sections.items() if section is not None}
