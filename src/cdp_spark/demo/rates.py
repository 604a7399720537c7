"""Every share and size of the demo data, in one place."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class WorldRates:
    """How the people and companies are. Shares of people unless the name says otherwise."""

    countries: tuple[tuple[str, float], ...] = (("DE", 0.42), ("GB", 0.24), ("US", 0.19), ("FR", 0.15))
    household_sizes: tuple[float, ...] = (0.41, 0.33, 0.12, 0.10, 0.04)
    surname_from_list: float = 0.5
    partner_keeps_surname: float = 0.25
    married_lately: float = 0.10
    household_moved: float = 0.09
    twins: float = 0.04
    son_named_as_father: float = 0.06
    household_family_email: float = 0.05
    household_landline: float = 0.45
    child_shares_mobile: float = 0.10
    no_email: float = 0.05
    second_email: float = 0.30
    no_mobile: float = 0.08
    employed_by_account: float = 0.20
    people_per_account: int = 40


@dataclass(frozen=True)
class NoiseRates:
    """How values are spoilt on their way into a source. Shares of a source's records."""

    outdated: float = 0.35
    nickname: float = 0.25
    name_typo: float = 0.03
    contact_typo: float = 0.01
    address_typo: float = 0.04
    ocr_share_of_typos: float = 0.2
    names_swapped: float = 0.008
    upper_case: float = 0.03
    lower_case: float = 0.02
    decomposed_unicode: float = 0.15
    email_variant: float = 0.12
    alternative_email: float = 0.25
    family_email: float = 0.50
    office_phone: float = 0.30
    abbreviated_street: float = 0.35
    birth_day_month_swapped: float = 0.005
    birth_other_year: float = 0.008
    missing_birth_date: float = 0.12
    missing_email: float = 0.10
    missing_phone: float = 0.25
    missing_address: float = 0.08
    placeholder: float = 0.012
    till_default_email: float = 0.06
    account_name_variant: float = 0.45
    missing_registration_number: float = 0.15


@dataclass(frozen=True)
class SourceRates:
    """Who is where. Shares of people (of accounts for the account sources), and rows per entity."""

    crm: float = 0.55
    marketing: float = 0.45
    shop: float = 0.60
    till: float = 0.40
    support: float = 0.18
    billing: float = 0.30
    social: float = 0.22
    consent: float = 0.55
    account: float = 0.97
    partner_account: float = 0.40
    twice_in_a_source: float = 0.04
    account_twice: float = 0.08
    orders_a_customer: float = 2.4
    receipts_a_card: float = 2.2
    web_users: float = 0.40
    anonymous_cookies: float = 0.35
    app_users: float = 0.25
    anonymous_devices: float = 0.12
    households_with_shared_tablet: float = 0.02
    events_a_cookie: float = 3.0
    events_a_device: float = 4.0
    ads_a_cookie: float = 1.2
    mails_a_contact: float = 2.5
    posts_a_handle: float = 1.8
    guest_orders: float = 0.06
    returned_orders: float = 0.04
    cancelled_orders: float = 0.01


@dataclass(frozen=True)
class DeliveryRates:
    """How files arrive. Shares of a source's rows."""

    delivered_twice: float = 0.006
    late: float = 0.005
    corrected: float = 0.012
    changed_a_night: float = 0.012
    new_a_night: float = 0.008
    malformed: float = 0.002


@dataclass(frozen=True)
class Rates:
    """All rates of one generation."""

    world: WorldRates = field(default_factory=WorldRates)
    noise: NoiseRates = field(default_factory=NoiseRates)
    source: SourceRates = field(default_factory=SourceRates)
    delivery: DeliveryRates = field(default_factory=DeliveryRates)
