"""Recent decisions and requests: newest first, evenly sampled, by tenant, bounded, and never of who was erased."""

from __future__ import annotations

from unit.insight.facts import NAMES, VERSION, code, decided, item, row

from models import ids, limits
from models.insight.history import History
from models.insight.recent import Recent
from models.insight.rows import Decision, Part, Row, read
from models.profile.facts import Erased

START_MS = 1_767_225_600_000
ANNA, BEN = (ids.customer_key(b"s", "main", name) for name in ("anna", "ben"))
OTHER = ids.customer_key(b"s", "other", "anna")
TAG = ids.tenant_tag(b"s", "main")


def made(seq: int, customer: bytes = ANNA, channel: str = "web", clock_ms: int = START_MS, blob: int = 0) -> Decision:
    fact = decided(f"d-{seq}", channel, (code(1), code(13), code(12)), (item("help"), item("banner", fallback=True)))
    fact.request["context"] = {"blob": "x" * blob}
    found = read([row(seq, clock_ms, fact, customer=customer)], History(), {VERSION: NAMES})
    return found.decisions[0]


def test_a_decision_is_told_as_it_was() -> None:
    recent = Recent()
    recent.offer([made(1)], {}, 0)
    (told,) = recent.decisions(TAG)
    assert (told["decision_id"], told["customer_id"], told["channel"]) == ("d-1", "c-1", "web")
    assert (told["time"], told["candidates"], told["chosen"]) == ("2026-01-01T00:00:00Z", 3, 1)
    assert [one["action"] for one in told["items"]] == ["help", "banner"]
    assert [one["fallback"] for one in told["items"]] == [False, True]


def test_they_are_told_newest_first_by_the_journals_clock_and_to_their_tenant_alone() -> None:
    recent = Recent()
    recent.offer([made(5, clock_ms=START_MS + 5), made(6, BEN, clock_ms=START_MS + 3), made(7, OTHER)], {}, 0)
    assert [one["decision_id"] for one in recent.decisions(TAG)] == ["d-5", "d-6"]
    assert [one["decision_id"] for one in recent.decisions(None)] == ["d-5", "d-6", "d-7"]
    assert [customer for customer, _ in recent.requests(TAG, None, 10)] == [ANNA, BEN]


def test_while_the_clock_stands_still_what_came_last_is_the_newest_whatever_its_shards_rows() -> None:
    recent = Recent()
    recent.offer([made(900)], {}, 0)
    recent.offer([made(3, BEN)], {}, 0)
    assert [one["decision_id"] for one in recent.decisions(TAG)] == ["d-3", "d-900"]
    assert [customer for customer, _ in recent.requests(TAG, "web", 1)] == [BEN]


def test_above_the_rate_every_nth_is_taken() -> None:
    recent = Recent()
    burst = [made(seq) for seq in range(1, 201)]
    recent.offer(burst, {}, 1_000)
    recent.offer(burst, {}, 2_000)
    assert recent.sample_ratio == limits.INSIGHT_RECENT_PER_S_MAX / 200
    recent.offer([], {}, 3_000)
    recent.offer([], {}, 4_000)
    assert recent.sample_ratio == 1.0


def test_who_is_erased_is_not_told_any_more_and_who_begins_anew_is() -> None:
    recent = Recent()
    recent.offer([made(1), made(2, BEN)], {}, 0)
    erased = Row(4, START_MS, [Part(ANNA, None, (Erased.TAG,))])
    found = read([row(3, START_MS, decided("d-3"), customer=ANNA), erased], History(), {VERSION: NAMES})
    recent.offer(found.decisions, found.erased, 0)
    assert [one["decision_id"] for one in recent.decisions(None)] == ["d-2"]
    assert [customer for customer, _ in recent.requests(None, None, 10)] == [BEN]
    recent.offer([made(5)], {}, 0)
    assert [one["decision_id"] for one in recent.decisions(None)] == ["d-5", "d-2"]


def test_requests_are_kept_by_channel_and_within_bounds() -> None:
    recent = Recent()
    recent.offer([made(seq, clock_ms=START_MS + seq) for seq in range(1, limits.INSIGHT_REQUESTS_PER_CHANNEL_MAX + 50)],
                 {}, 0)
    recent.offer([made(9_000, channel="push"), made(9_001, blob=limits.INSIGHT_REQUEST_BYTES_MAX)], {}, 0)
    assert len(recent.requests(None, "web", 10_000)) == limits.INSIGHT_REQUESTS_PER_CHANNEL_MAX
    assert len(recent.requests(None, "push", 10_000)) == 1
    assert recent.requests(None, "desk", 10) == []
    assert len(recent.decisions(None)) == limits.INSIGHT_RECENT_TOLD_MAX
    for number in range(2 * limits.INSIGHT_REQUEST_CHANNELS_MAX):
        recent.offer([made(10_000 + number, channel=f"c{number}")], {}, 0)
    assert len(recent.requests(None, None, 10**6)) < limits.INSIGHT_REQUESTS_PER_CHANNEL_MAX + 2 * 32
