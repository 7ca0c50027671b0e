"""Every form of contact policy of the packaged catalog."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from models import limits
from models.arbitration.contact_policy import event_marks
from models.arbitration.holds import Span
from models.arbitration.rivalry import tight_exclusive
from models.catalog import rules
from models.profile.apply import apply
from models.profile.facts import EventApplied
from models.profile.state import FALLBACK, HELD, RELEASED

HOUR, DAY = limits.HOUR_MS, limits.DAY_MS
GRACE = limits.HOLD_GRACE_MS


@pytest.fixture
def loyal(scene: Any) -> Any:
    """A customer whom every coupon and every outbound channel may reach."""
    scene.profile.consent["marketing"] = True
    set_features(scene)
    return scene


def set_features(scene: Any) -> None:
    for number, type_ in enumerate(("basket", "cart_abandoned", "cart_abandoned")):
        fact = EventApplied(f"e{number}", type_, scene.now_ms - HOUR, "web", {"total": 50.0, "departments": ["TOYS"]})
        scene.profile = apply(scene.profile, fact, scene.plan, scene.now_ms)


def test_a_second_push_within_a_day_is_refused_and_says_when_the_next_is_free(loyal: Any) -> None:
    loyal.contact("cart_reminder", "cart_push", loyal.now_ms - 2 * HOUR)
    assert loyal.shown("push", {"push_message": 1}) == []
    entry = loyal.why("cart_reminder")
    assert (entry["removed_by"], entry["rule"]) == ("contact_policy", "one_push_a_day")
    assert entry["detail"] == "1 of 1 used, next free 2026-03-06T16:00:00Z"


@pytest.mark.parametrize(("ago", "shown"), [(DAY, ["cart_reminder"]), (DAY - 1, [])])
def test_exactly_one_window_later_a_contact_is_allowed(loyal: Any, ago: int, shown: list[str]) -> None:
    loyal.contact("cart_reminder", "cart_push", loyal.now_ms - ago)
    assert loyal.shown("push", {"push_message": 1}) == shown


def test_an_open_hold_counts_until_it_is_released_by_time(loyal: Any) -> None:
    hold = loyal.contact("cart_reminder", "cart_push", loyal.now_ms - HOUR, state=HELD)
    assert loyal.shown("push", {"push_message": 1}) == []
    loyal.now_ms = hold.hold_expires_ms + GRACE - 1
    assert loyal.prepare("push", {"push_message": 1}).judge.refuses_nothing is False
    loyal.now_ms = hold.hold_expires_ms + GRACE
    assert loyal.prepare("push", {"push_message": 1}).judge.refuses_nothing is True


@pytest.mark.parametrize("state", [RELEASED, FALLBACK])
def test_what_was_released_or_a_fallback_counts_nothing(loyal: Any, state: str) -> None:
    loyal.contact("cart_reminder", "cart_push", loyal.now_ms - HOUR, state=state)
    assert loyal.shown("push", {"push_message": 1}) == ["cart_reminder"]


def test_a_limit_by_direction_counts_all_outbound_channels_together(loyal: Any) -> None:
    for days in (1, 2, 3):
        loyal.contact("come_back", "come_back_email", loyal.now_ms - days * HOUR)
    assert loyal.shown("push", {"push_message": 1}) == []
    assert loyal.why("cart_reminder")["rule"] == "three_a_day"
    assert loyal.shown("web", {"home_hero": 1}) != []


def test_a_limit_per_action_leaves_other_actions_alone(loyal: Any) -> None:
    loyal.contact("dairy_coupon", "dairy_hero", loyal.now_ms - 2 * DAY)
    assert loyal.shown("web", {"home_hero": 1}) == ["dairy_coupon"]
    loyal.contact("dairy_coupon", "dairy_receipt", loyal.now_ms - DAY)
    assert loyal.shown("web", {"home_hero": 1, "home_strip": 3}) == ["brand_story", "ask_feedback"]
    assert loyal.why("dairy_coupon")["rule"] == "coupon_rest"


def test_a_rejection_rests_the_action_to_the_millisecond(loyal: Any) -> None:
    rejected = loyal.now_ms - 30 * DAY
    loyal.contact("dairy_coupon", "dairy_hero", rejected, outcomes=(("reject", rejected + 1),))
    assert loyal.shown("web", {"home_hero": 1}) == ["brand_story"]
    entry = loyal.why("dairy_coupon")
    assert (entry["rule"], entry["detail"]) == (
        "took_no_for_an_answer", "rests after 1 reject, next free 2026-03-05T18:00:00.001Z",
    )
    loyal.now_ms += 1
    assert loyal.prepare("web", {"home_hero": 1}).remaining["contact_policy"][0]


def test_three_ignored_contacts_of_a_group_rest_it(loyal: Any) -> None:
    for days in (20, 15, 8):
        at = loyal.now_ms - days * DAY
        loyal.contact("dairy_coupon", "dairy_strip", at, outcomes=(("none", at + HOUR),))
    assert loyal.shown("web", {"home_hero": 1}) == ["brand_story"]
    assert loyal.why("dairy_coupon")["rule"] == "ignored_thrice"
    assert loyal.shown("push", {"push_message": 1}) == ["cart_reminder"], "another group of the same issue"


def test_three_ignored_contacts_over_a_longer_time_rest_nothing(loyal: Any) -> None:
    for days in (38, 15, 8):
        at = loyal.now_ms - days * DAY
        loyal.contact("dairy_coupon", "dairy_strip", at, outcomes=(("none", at),))
    assert loyal.shown("web", {"home_hero": 1}) == ["dairy_coupon"]


def test_an_event_rests_what_it_bought(loyal: Any) -> None:
    loyal.profile.marks["bought_it"] = (loyal.now_ms - 3 * DAY + 1,)
    assert loyal.shown("web", {"home_hero": 1}) == ["brand_story"]
    assert loyal.why("dairy_coupon")["rule"] == "bought_it"
    loyal.profile.marks["bought_it"] = (loyal.now_ms - 3 * DAY,)
    assert loyal.shown("web", {"home_hero": 1}) == ["dairy_coupon"]


@pytest.mark.parametrize(
    ("properties", "marks"),
    [({"departments": ["DAIRY"]}, ("bought_it",)), ({"departments": ["TOYS"]}, ()), ({}, ())],
)
def test_an_event_is_marked_when_the_rule_of_its_policy_holds(
    scene: Any, properties: dict[str, Any], marks: tuple[str, ...]
) -> None:
    event = {"event_id": "e", "type": "basket", "properties": properties}
    assert event_marks(scene.plan, rules.rule_context(), event) == marks


def test_an_event_of_another_type_marks_nothing(scene: Any) -> None:
    event = {"event_id": "e", "type": "page_view", "properties": {"departments": ["DAIRY"]}}
    assert event_marks(scene.plan, rules.rule_context(), event) == ()


@pytest.mark.parametrize(("ago", "shown"), [(7 * DAY - 1, "brand_story"), (7 * DAY, "dairy_coupon")])
def test_exclusive_actions_keep_their_distance(loyal: Any, ago: int, shown: str) -> None:
    loyal.contact("come_back", "come_back_hero", loyal.now_ms - ago)
    assert loyal.shown("web", {"home_hero": 1}) == [shown]


def test_an_exclusive_action_does_not_exclude_itself(loyal: Any) -> None:
    loyal.contact("dairy_coupon", "dairy_hero", loyal.now_ms - DAY)
    assert loyal.shown("web", {"home_hero": 1}) == ["dairy_coupon"]


@pytest.mark.parametrize(("ago", "shown"), [(2 * DAY - 1, []), (2 * DAY, ["ask_feedback"])])
def test_what_must_never_follow_waits_for_its_window(loyal: Any, ago: int, shown: list[str]) -> None:
    loyal.contact("offer_help", "help_card", loyal.now_ms - ago)
    assert loyal.shown("app", {"app_card": 1}) == shown


def test_an_open_hold_counts_as_shown_for_what_must_never_follow(loyal: Any) -> None:
    loyal.contact("offer_help", "help_card", loyal.now_ms - 2, state=HELD)
    assert loyal.shown("app", {"app_card": 1}) == []
    assert loyal.why("ask_feedback")["rule"] == "never_after"


def test_a_full_ledger_refuses_new_contacts(loyal: Any) -> None:
    for number in range(limits.CONTACTS_PER_CUSTOMER_MAX):
        loyal.contact("ask_feedback", "feedback_strip", loyal.now_ms - DAY - number)
    assert loyal.shown("web", {"home_hero": 1, "home_strip": 3}) == ["brand_story"]
    entry = loyal.why("dairy_coupon")
    assert (entry["removed_by"], entry["rule"]) == ("contact_policy", "ledger")


def test_the_last_room_in_the_ledger_is_given_once(loyal: Any) -> None:
    for number in range(limits.CONTACTS_PER_CUSTOMER_MAX - 1):
        loyal.contact("ask_feedback", "feedback_strip", loyal.now_ms - DAY - number)
    assert loyal.shown("web", {"home_hero": 1, "home_strip": 3}) == ["dairy_coupon"]
    assert loyal.why("ask_feedback")["removed_by"] == "not_chosen"


def test_a_contact_of_an_action_that_left_the_catalog_still_counts(loyal: Any) -> None:
    old = loyal.contact("cart_reminder", "cart_push", loyal.now_ms - HOUR)
    loyal.profile.ledger[-1] = old.with_(action="gone", treatment="gone", group="lost", issue="lost")
    assert loyal.shown("push", {"push_message": 1}) == []
    assert loyal.why("cart_reminder")["rule"] == "one_push_a_day"


def test_a_contact_is_counted_in_the_group_in_which_it_was_made(loyal: Any) -> None:
    for hours in (2, 3, 4):
        old = loyal.contact("cart_reminder", "cart_push", loyal.now_ms - hours * DAY)
        loyal.profile.ledger[-1] = old.with_(group="coupons", outcomes=(("none", loyal.now_ms - DAY),))
    assert loyal.shown("web", {"home_hero": 1}) == ["brand_story"]
    assert loyal.why("dairy_coupon")["rule"] == "ignored_thrice"


def test_exclusive_actions_look_ahead_as_far_as_they_look_back(scene: Any) -> None:
    policy = next(one for one in scene.plan.policies if one.id == "not_both")
    reach, now, last = np.ones(len(scene.plan.actions), np.bool_), 1_000, 2_000

    def refused(at: int) -> bool:
        planned = Span(at, at, "come_back", "win_back", "retain", "push", "outbound", "t", "p", False)
        return tight_exclusive(policy, reach, scene.plan, [planned], now, last) is not None

    assert refused(last + policy.window_ms - 1)
    assert not refused(last + policy.window_ms)
