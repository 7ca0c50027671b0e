"""Roles of scorers as shards read them: who scores a customer, and what is kept of them."""

from __future__ import annotations

import math

import pytest

from models import canonical
from models.scoring.roles import MILLIONTHS, Roles, is_canary

CUSTOMERS = [f"customer-{number}" for number in range(20_000)]
FULL = Roles(
    7, "a", "b", 50_000, ("c", "d"), ("a", "e"), {"churn": "f"},
    {version: {"features": ["action.value"]} for version in "abcdef"},
)


@pytest.mark.parametrize("share", [0.001, 0.05, 0.5, 0.93])
def test_a_canary_has_its_share_of_the_customers(share: float) -> None:
    roles = Roles(1, "old", "new", round(share * MILLIONTHS))
    met = sum(roles.for_customer(customer) == "new" for customer in CUSTOMERS)
    spread = math.sqrt(len(CUSTOMERS) * share * (1 - share))
    assert abs(met - len(CUSTOMERS) * share) < 4.5 * spread


def test_a_larger_share_keeps_whom_a_smaller_one_had() -> None:
    few, many = (
        {customer for customer in CUSTOMERS if is_canary("new", share, customer)} for share in (20_000, 300_000)
    )
    assert few < many


def test_who_meets_a_canary_is_the_same_everywhere_and_at_any_time() -> None:
    """Pinned: a shard elsewhere, or a re-execution years later, must agree."""
    met = [customer for customer in CUSTOMERS[:60] if is_canary("xgb-1", 100_000, customer)]
    assert met == ["customer-16", "customer-30", "customer-40", "customer-47", "customer-57"]


def test_another_canary_meets_other_customers() -> None:
    one, two = ({c for c in CUSTOMERS if is_canary(version, 100_000, c)} for version in ("one", "two"))
    assert abs(len(one & two) / len(CUSTOMERS) - 0.01) < 0.004


def test_nobody_and_everybody_are_shares_too() -> None:
    assert {Roles(1, "old", "new", 0).for_customer(c) for c in CUSTOMERS[:200]} == {"old"}
    assert {Roles(1, "old", "new", MILLIONTHS).for_customer(c) for c in CUSTOMERS[:200]} == {"new"}
    assert Roles().for_customer("anybody") is None


def test_every_version_with_a_role_is_named_once_and_those_that_decide_come_first() -> None:
    assert FULL.versions == ("a", "b", "e", "c", "d", "f")
    assert Roles().versions == ()


def test_roles_survive_the_wire() -> None:
    assert Roles.from_wire(canonical.unpack(canonical.pack(FULL.to_wire()))) == FULL
    assert Roles.from_wire(canonical.unpack(canonical.pack(Roles().to_wire()))) == Roles()


def test_who_is_not_kept_loses_its_roles_and_the_others_keep_theirs() -> None:
    kept = FULL.keeping(lambda version: version in "acef")
    assert (kept.number, kept.champion, kept.canary, kept.canary_millionths) == (7, "a", None, 0)
    assert (kept.shadows, kept.named, kept.targets) == (("c",), ("a", "e"), {"churn": "f"})
    assert set(kept.manifests) == set("acef")
    assert FULL.keeping(lambda _: True) is FULL
    nobody = FULL.keeping(lambda _: False)
    assert nobody.versions == ()
    assert nobody.for_customer("anybody") is None
