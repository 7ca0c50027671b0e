"""Whatever channels ask and whenever they confirm, no window ever holds more contacts than a policy allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import limits
from models.arbitration.holds import last_hold_ms
from models.profile.state import CONFIRMED, HELD, RELEASED

MINUTE = limits.MINUTE_MS
#: Shorter than a hold can stay open, so that holds outlive windows.
WINDOW = 20


@dataclass(frozen=True)
class Step:
    """Minutes that pass, then who asks; what open holds become, and how long ago they were shown."""

    minutes: int
    channel: str
    fates: tuple[str, ...]
    ago: int


STEPS = st.lists(
    st.builds(
        Step, st.integers(0, 25), st.sampled_from(["web", "sms"]),
        st.tuples(*[st.sampled_from(["wait", "confirm", "release"])] * 3), st.integers(0, 60),
    ),
    min_size=1, max_size=25,
)


@pytest.fixture(scope="module")
def plan(make_plan: Any) -> Any:
    where = [("top", "web"), ("text", "sms")]
    actions = [
        {"id": name, "treatments": [{"id": f"{name}_{at}", "placement": at, "content": {}} for at, _ in where]}
        for name in ("a", "b", "c")
    ]
    return make_plan(actions, contact_policies=[
        {"id": "two", "limit": 2, "window": f"{WINDOW}m"},
        {"id": "one_each", "limit": 1, "window": f"{2 * WINDOW}m", "per": "action"},
        {"id": "apart", "exclusive": ["a", "b"], "window": f"{WINDOW}m"},
    ])


def settle(scene: Any, step: Step) -> None:
    """Time releases what is over; the adversary confirms or releases some of what is open."""
    for at, contact in enumerate(scene.profile.ledger):
        if contact.state != HELD:
            continue
        if contact.hold_expires_ms + limits.HOLD_GRACE_MS <= scene.now_ms:
            scene.profile.ledger[at] = contact.with_(state=RELEASED)
        elif step.fates[at % 3] == "confirm":
            shown = max(contact.decided_ms, scene.now_ms - step.ago * MINUTE)
            scene.profile.ledger[at] = contact.with_(state=CONFIRMED, confirmed_ms=shown)
        elif step.fates[at % 3] == "release":
            scene.profile.ledger[at] = contact.with_(state=RELEASED)


def confirm_all(scene: Any, ago: int) -> list[Any]:
    """Every hold that may still be confirmed is, at its last instant or earlier."""
    found = []
    for contact in scene.profile.ledger:
        if contact.state == CONFIRMED:
            found.append((contact.confirmed_ms, contact.action))
        elif contact.state == HELD:
            last = last_hold_ms(scene.plan.channels[contact.channel], contact.decided_ms)
            found.append((max(contact.decided_ms, last - ago * MINUTE), contact.action))
    return sorted(found)


@given(STEPS, st.integers(0, 40))
def test_no_window_ever_holds_more_contacts_than_a_policy_allows(
    plan: Any, scene_of: Any, steps: list[Step], ago: int
) -> None:
    scene = scene_of(plan)
    for number, step in enumerate(steps):
        scene.now_ms += step.minutes * MINUTE
        settle(scene, step)
        where = {"web": {"top": 3}, "sms": {"text": 1}}[step.channel]
        for action in scene.shown(step.channel, where, seed=bytes([number]) * 16):
            scene.contact(action, f"{action}_{next(iter(where))}", scene.now_ms, state=HELD)
    contacts = confirm_all(scene, ago)
    for begin, action in contacts:
        inside = [other for at, other in contacts if begin <= at < begin + WINDOW * MINUTE]
        assert len(inside) <= 2
        assert not {"a", "b"} <= set(inside)
        alone = [at for at, other in contacts if other == action and begin <= at < begin + 2 * WINDOW * MINUTE]
        assert len(alone) == 1


def test_holds_are_granted_at_all(plan: Any, scene_of: Any) -> None:
    scene = scene_of(plan)
    assert scene.shown("web", {"top": 3}) == ["a", "c"]
    assert scene.shown("sms", {"text": 1}) == ["a"]


@pytest.mark.parametrize(("minutes", "shown"), [(34, []), (35, ["a"])])
def test_a_hold_counts_as_long_as_it_is_open_however_short_the_window(
    make_plan: Any, scene_of: Any, minutes: int, shown: list[str]
) -> None:
    actions = [{"id": "a", "treatments": [{"id": "t", "placement": "top", "content": {}}]}]
    scene = scene_of(make_plan(actions, contact_policies=[{"id": "one", "limit": 1, "window": "1m"}]))
    scene.contact("a", "t", scene.now_ms - minutes * MINUTE, state=HELD)
    assert scene.shown("web", {"top": 1}) == shown
