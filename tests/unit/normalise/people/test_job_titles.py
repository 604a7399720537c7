"""What job titles tell, in four languages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdp_spark.normalise.people.job_titles import ROLES, JobTitle, Role, read_job_title


@pytest.mark.parametrize(
    ("title", "told"),
    [
        ("CEO", ("decision_maker", "c_level", None)),
        ("Geschäftsführerin", ("decision_maker", "c_level", None)),
        ("Directrice générale", ("decision_maker", "c_level", None)),
        ("Director general", ("decision_maker", "c_level", None)),
        ("Chief Information Security Officer", ("decision_maker", "c_level", "it")),
        ("Vice President, Sales", ("decision_maker", "vp", "sales")),
        ("Director of Purchasing", ("decision_maker", "director", "procurement")),
        ("Leiter Einkauf (m/w/d)", ("decision_maker", "head", "procurement")),
        ("IT-Leiter", ("decision_maker", "head", "it")),
        ("Jefa de compras", ("decision_maker", "head", "procurement")),
        ("Responsable marketing", ("decision_maker", "head", "marketing")),
        ("Chef de projet", ("influencer", "manager", None)),
        ("Account Manager", ("influencer", "manager", "sales")),
        ("Senior Software Engineer", ("influencer", "senior", "it")),
        ("Einkäufer", ("influencer", None, "procurement")),
        ("Acheteuse", ("influencer", None, "procurement")),
        ("Buchhalterin", ("billing", None, "finance")),
        ("Comptable", ("billing", None, "finance")),
        ("Accounts Payable Clerk", ("billing", None, "finance")),
        ("Assistentin der Geschäftsleitung", ("user", None, None)),
        ("Assistant to the CEO", ("user", None, None)),
        ("Product Owner", ("user", None, "product")),
        ("Owner", ("decision_maker", "c_level", None)),
        ("Werkstudent Vertrieb", ("user", "junior", "sales")),
        ("Stagiaire", ("user", "junior", None)),
        ("Consultant", ("user", None, None)),
    ],
)
def test_a_title_tells_role_seniority_and_department(title: str, told: tuple[str | None, ...]) -> None:
    assert read_job_title(title) == JobTitle(*told)


@pytest.mark.parametrize("title", ["n/a", "-", "unknown"])
def test_a_placeholder_tells_nothing(title: str) -> None:
    assert read_job_title(title) == JobTitle()


def test_the_projects_own_words_come_first() -> None:
    own: dict[Role, tuple[str, ...]] = {"technical": ("sre", "platform*"), "influencer": ("head of procurement",)}
    assert read_job_title("Platforms Lead", own).role == "technical"
    assert read_job_title("Head of Procurement", own) == JobTitle("influencer", "head", "procurement")
    assert read_job_title("Head of Sales", own).role == "decision_maker"


@given(st.text())
def test_no_title_is_too_odd(title: str) -> None:
    assert read_job_title(title).role in (None, *ROLES)
