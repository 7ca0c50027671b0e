"""Customer keys: whose they are, where they live, and that only the same (tenant, customer id) makes the same key."""

from __future__ import annotations

from collections import Counter

from hypothesis import assume, example, given
from hypothesis import strategies as st

from models import ids, limits

SECRET = b"\x07" * 32
_NAMES = st.text(min_size=1, max_size=20)
_PAIRS = st.tuples(_NAMES, _NAMES)


@given(_PAIRS, _PAIRS)
@example(("a", "bc"), ("ab", "c"))
@example(("t\x00", "x"), ("t", "\x00x"))
def test_two_customers_share_a_key_only_when_they_are_one(one: tuple[str, str], other: tuple[str, str]) -> None:
    assume(one != other)
    assert ids.customer_key(SECRET, *one) != ids.customer_key(SECRET, *other)


@given(_NAMES, _NAMES)
def test_a_key_begins_with_the_tag_of_its_tenant_and_says_nothing_else_of_it(tenant: str, customer: str) -> None:
    key = ids.customer_key(SECRET, tenant, customer)
    assert len(key) == ids.CUSTOMER_KEY_BYTES
    assert key[: ids.TENANT_TAG_BYTES] == ids.tenant_tag(SECRET, tenant)
    assert key != ids.customer_key(b"\x08" * 32, tenant, customer)


@given(_NAMES, _NAMES, _NAMES)
def test_what_is_another_tenants_is_a_stranger_in_the_same_place(mine: str, theirs: str, customer: str) -> None:
    assume(mine != theirs)
    key = ids.customer_key(SECRET, theirs, customer)
    seen = ids.key_as_of_tenant(SECRET, mine, key)
    assert seen != key
    assert seen != ids.customer_key(SECRET, mine, customer)
    assert seen[: ids.TENANT_TAG_BYTES] == ids.tenant_tag(SECRET, mine)
    assert ids.slot_of(seen) == ids.slot_of(key)
    assert ids.key_as_of_tenant(SECRET, theirs, key) == key


@given(_NAMES, _NAMES, st.binary(min_size=16, max_size=16))
def test_a_decision_id_names_the_key_of_its_customer(tenant: str, customer: str, seed: bytes) -> None:
    key = ids.customer_key(SECRET, tenant, customer)
    assert ids.customer_key_of_decision(ids.decision_id(key, seed)) == key


@given(_NAMES)
def test_the_customers_of_every_tenant_spread_evenly(tenant: str) -> None:
    keys = [ids.customer_key(SECRET, tenant, f"c-{number}") for number in range(4_096)]
    parts = Counter(ids.slot_of(key) * 16 // limits.SLOTS for key in keys)
    # Of a fair spread over 16 parts: more than eight standard deviations away, on either side.
    assert len(parts) == 16
    assert all(abs(count - 256) < 130 for count in parts.values())


def test_tenants_do_not_crowd_into_the_same_slots() -> None:
    slots = {ids.slot_of(ids.customer_key(SECRET, f"tenant-{number}", "the-only-customer")) for number in range(2_048)}
    assert len(slots) > limits.SLOTS * 3 // 4
