"""What belongs together without being the same: people and their accounts, people of one household."""

from __future__ import annotations

from typing import Annotated, Literal, Self, get_args

from pydantic import Field, model_validator

from cdp_spark.config.base import SafeName, Strict, Strings, mistake
from cdp_spark.config.mapping import IdentifierType
from cdp_spark.normalise.job_titles import Role

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
