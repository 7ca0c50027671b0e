"""Every kind of error is named with its place, its line and what to do; all of them at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from models import limits
from models.catalog.check import check_text, compile_catalog
from models.catalog.faults import BadCatalog

Errors = Callable[[str, str], list[dict[str, Any]]]

#: (text in the small catalog, what stands there instead, path of the error, its line, words of its message)
CASES = [
    # Names that nothing declares.
    ("channel: web,", "channel: wbe,",
     "placements.0.channel", 9, "unknown channel 'wbe'; did you mean 'web'?"),
    ("coupon_hero, placement: hero", "coupon_hero, placement: heroo",
     "actions.0.treatments.0.placement", 28, "did you mean 'hero'"),
    ("value: 2", "value: 2\n    budget: {id: pol, units: 1}\n    lever: 1",
     "actions.0.budget", 28, "given twice"),
    ("id: pool, units", "id: pol, units",
     "actions.0.budget.id", 26, "unknown budget 'pol'; did you mean 'pool'?"),
    ("segments.loyal", "segments.loyla", "actions.0.eligibility", 25, "unknown segment 'loyla'"),
    ("profile.baskets_7d", "profile.basket_7d",
     "segments.0.when", 16, "neither attribute nor feature; did you mean 'baskets_7d'"),
    ("limit: 1,", "limit: 1, scope: {action: cupon},",
     "contact_policies.0.scope.action", 35, "unknown action 'cupon'"),
    ("limit: 1,", "limit: 1, scope: {group: x},", "contact_policies.0.scope.group", 35, "unknown group 'x'"),
    ("limit: 1,", "limit: 1, scope: {issue: x},", "contact_policies.0.scope.issue", 35, "unknown issue 'x'"),
    ("fallback: [brand_hero]", "fallback: [brand]",
     "placements.0.fallback.0", 9, "unknown treatment 'brand'"),
    ("event: basket,", "outcome: clicked,",
     "features.0.outcome", 14, "'clicked' is not taken; write 'impression'"),
    # Two alike.
    ("id: brand\n", "id: coupon\n",
     "actions.1.id", 29, "action 'coupon' is declared twice (first at actions.0)"),
    ("{id: brand_hero", "{id: coupon_hero",
     "actions.1.treatments.0.id", 33, "treatment 'coupon_hero' is declared twice"),
    ("[{id: coupons}]", "[{id: coupons}, {id: coupons}]",
     "hierarchy.0.groups.1.id", 18, "group 'coupons' is declared twice"),
    ("{id: push,", "{id: web,", "channels.1.id", 7, "channel 'web' is declared twice"),
    ("id: tier", "id: baskets_7d", "attributes.0.id", 12, "is also a feature"),
    # Rules.
    ("segments.loyal", "segments.loyal &&", "actions.0.eligibility", 25, "does not compile"),
    ("segments.loyal", "user.age > 1.0", "actions.0.eligibility", 25, "unknown name 'user'; known: context"),
    ("segments.loyal", "abs(1) == 1", "actions.0.eligibility", 25, "unknown function 'abs'"),
    ("segments.loyal", "[1].all(x, [2].all(y, x == y))", "actions.0.eligibility", 25, "2 comprehensions"),
    ("profile.baskets_7d >= 4", "segments.loyal", "segments.0.when", 16, "a segment reads only earlier ones"),
    ("profile.baskets_7d >= 4", "context.page == 'x'", "segments.0.when", 16, "knows no context"),
    ("segments.loyal", " ", "actions.0.eligibility", 25, "the rule is empty"),
    # Fallbacks.
    ("fallback: [brand_hero]", "fallback: []", "actions.1", 29, "can't be reached"),
    ("fallback: [brand_hero]", "fallback: [brand_hero, coupon_hero]",
     "placements.0.fallback.1", 9, "no fallback"),
    ("{id: message, channel: push}", "{id: message, channel: push, fallback: [brand_hero]}",
     "placements.1.fallback.0", 10, "is for placement 'hero'"),
    ("fallback: true", "fallback: true\n    mandatory: true",
     "actions.1.mandatory", 32, "cannot be mandatory"),
    ("fallback: true", "fallback: true\n    budget: {id: pool, units: 1}",
     "actions.1.budget", 32, "holds no budget"),
    # Budgets and actions.
    (", cap: 10", "", "budgets.0.cap", 20, "has no cap; add cap"),
    ("cap: 10", "cap: -1", "budgets.0.cap", 20, "must be at least 0, not -1"),
    ("units: 1", "units: 0", "actions.0.budget.units", 26, "must be at least 1"),
    ("    value: 2\n", "", "actions.0", 22, "has no value"),
    ("value: 2", "value: -2", "actions.0.value", 24, "must be at least 0"),
    ("value: 2", "value: true", "actions.0.value", 24, "must be a number, not True"),
    ("value: 2", "value: 2\n    valid: {from: 2020-01-01T00:00:00}", "actions.0.valid.from", 25, "no offset"),
    ("[{id: coupons}]", "[{id: coupons, lever: -60}], lever: -60",
     "hierarchy.0.groups.0.lever", 18, "add up to -120"),
    # Policies and triggers.
    ("limit: 1,", "limit: 1025,", "contact_policies.0.limit", 35, "must be at most 1024"),
    ("limit: 1,", "limit: 0,", "contact_policies.0.limit", 35, "must be at least 1"),
    ("limit: 1,", "limit: 1, rest: 1d,", "contact_policies.0.rest", 35, "rest does not go with limit"),
    ("limit: 1, window: 24h", "limit: 1", "contact_policies.0", 35, "has no window"),
    ("limit: 1,", "limit: 1, exclusive: [coupon, brand],", "contact_policies.0", 35, "exactly one form"),
    ("limit: 1, window: 24h", "never: coupon, after: {event: x}, window: 1d",
     "contact_policies.0.after.event", 35, "with never"),
    ("limit: 1, window: 24h", "after: {count: 2}, rest: 1d",
     "contact_policies.0.after", 35, "exactly one of outcome and event"),
    ("limit: 1,", "limit: 1, per: customer,", "contact_policies.0.per", 35, "'customer' is not taken"),
    ("plan: {channel: push", "plan: {channel: web", "triggers.0.plan.channel", 37, "is inbound"),
    (", plan: {channel: push, expires: 6h}", "", "triggers.0", 37, "needs plan"),
    # Shape.
    ("currency: USD", "currency: usd", "currency", 3, "three capital letters"),
    ("timezone: UTC", "timezone: Mars/Base", "timezone", 4, "unknown time zone 'Mars/Base'"),
    ("timezone: UTC", "timezone: ../UTC", "timezone", 4, "unknown time zone"),
    ("window: 7d", "window: 7", "features.0.window", 14, "a duration like 90s"),
    ("window: 7d", "window: 7w", "features.0.window", 14, "not a duration: '7w'"),
    ("window: 7d", "window: 0d", "features.0.window", 14, "longer than zero"),
    ("window: 7d", "window: 731d", "features.0.window", 14, "longer than 730d"),
    (", window: 7d", "", "features.0", 14, "count needs window"),
    ("direction: outbound}", 'direction: outbound, quiet_hours: {from: "24:00", to: "08:00"}}',
     "channels.1.quiet_hours.from", 7, "not a time of day"),
    ("name: small", "name: small\nchanels: []",
     "chanels", 3, "unknown key 'chanels'; did you mean 'channels'?"),
    ("id: tier", "id: 12", "attributes.0.id", 12, "must be text, not 12; quote it"),
    ("id: tier", "id: in", "attributes.0.id", 12, "not a name that rules can read"),
    ("triggers:", "arbitration: {exploration: {method: greedy}}\ntriggers:",
     "arbitration.exploration.method", 36, "not taken"),
    ("triggers:", "arbitration: {control_group: {id: c, share: 1.5}}\ntriggers:",
     "arbitration.control_group.share", 36, "at most 1"),
]


@pytest.mark.parametrize(("old", "new", "path", "line", "words"), CASES, ids=lambda value: str(value)[:40])
def test_an_error_names_its_place_its_line_and_a_remedy(
    errors_after: Errors, old: str, new: str, path: str, line: int, words: str,
) -> None:
    found = [(".".join(map(str, error["loc"])), error["line"], error["msg"]) for error in errors_after(old, new)]
    assert [(place, at) for place, at, message in found if words in message] == [(path, line)], found


def test_the_small_catalog_is_sound(small: str) -> None:
    assert len(check_text(small).actions) == 2


def test_shape_errors_and_wrong_names_are_reported_together(small: str) -> None:
    broken = small.replace("currency: USD", "currency: usd").replace("window: 7d", "window: x")
    broken = broken.replace("group: coupons\n    value", "group: cuopons\n    value").replace("s.loyal", "s.loyla")
    with pytest.raises(BadCatalog) as caught:
        check_text(broken)
    assert [(error["line"], ".".join(map(str, error["loc"]))) for error in caught.value.errors] == [
        (3, "currency"), (14, "features.0.window"), (23, "actions.0.group"), (25, "actions.0.eligibility"),
    ]


def test_a_misshapen_part_causes_no_second_error_where_it_is_named(small: str) -> None:
    with pytest.raises(BadCatalog) as caught:
        check_text(small.replace("direction: inbound", "direction: in"))
    assert [error["loc"] for error in caught.value.errors] == [["channels", 0, "direction"]]


def test_paths_stay_those_of_the_file_when_an_earlier_item_is_misshapen(small: str) -> None:
    broken = small.replace("group: coupons\n    value: 2", "value: 2")
    broken = broken.replace("{id: brand_hero, placement: hero", "{id: brand_hero, placement: nowhere")
    with pytest.raises(BadCatalog) as caught:
        check_text(broken)
    places = [".".join(map(str, error["loc"])) for error in caught.value.errors]
    assert "actions.1.treatments.0.placement" in places
    assert "actions.0.group" in places


def test_too_many_actions_are_refused(small: str) -> None:
    head, _, _ = small.partition("actions:\n")
    many = "".join(f"  - {{id: a{at}}}\n" for at in range(limits.ACTIONS_MAX + 1))
    with pytest.raises(BadCatalog, match=f"more than {limits.ACTIONS_MAX} items"):
        check_text(f"{head}actions:\n{many}")


def test_a_logged_catalog_that_is_none_says_so() -> None:
    with pytest.raises(BadCatalog, match="does not compile"):
        compile_catalog({"catalog": 1})


def test_epsilon_and_none_are_methods_too(small: str) -> None:
    for method in ("epsilon", "none", "thompson"):
        plan = check_text(small + f"arbitration: {{exploration: {{method: {method}}}}}\n")
        assert plan.arbitration.exploration.method == method
