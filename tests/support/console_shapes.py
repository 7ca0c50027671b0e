"""What the fake API tells unless a test says otherwise: the shapes of the real one."""

from __future__ import annotations

from typing import Any

#: Those between ``candidates`` and ``ranked``.
GATES = (
    "request", "control_group", "valid", "eligibility", "applicability", "suitability", "consent", "quiet_hours",
    "treatment", "contact_policy", "budget",
)
DECISION = "d-0001"
CUSTOMER = "hh-1229"
AT = "2026-03-01T18:03:11.250000-05:00"
CATALOG_VERSION = "sha256:" + "4f" * 32


def answers() -> dict[tuple[str, str], Any]:
    """By method and path."""
    return {
        ("GET", "/v1/caller"): {
            "name": "tests", "tenant": "main", "scopes": ["config:read", "profiles:read"], "expires": None,
            "key_id": "k-1",
        },
        ("GET", "/v1/catalog"): {"catalog_version": CATALOG_VERSION, "catalog": catalog()},
        ("GET", "/v1/live"): live(),
        ("GET", "/v1/funnel"): funnel(),
        ("GET", "/v1/status"): status(),
        ("GET", "/v1/budgets"): {"budgets": budgets()},
        ("GET", "/v1/clock"): {"time": AT, "mode": "wall"},
        ("GET", "/v1/scorers"): {"scorers": []},
        ("GET", f"/v1/customers/{CUSTOMER}"): customer(),
        ("GET", f"/v1/customers/{CUSTOMER}/timeline"): {"items": timeline(), "next_before": None},
        ("GET", f"/v1/decisions/{DECISION}"): decision(),
        ("GET", f"/v1/decisions/{DECISION}/explanation"): explanation(),
        ("POST", f"/v1/decisions/{DECISION}:rerun"): {
            "same": True, "bytes": 812, "logged_sha256": "ab" * 32, "rerun_sha256": "ab" * 32,
        },
        ("POST", "/v1/explanations"): {**decision()["decision"], "decision_id": None, "explanation": explanation()},
    }


def catalog() -> dict[str, Any]:
    return {
        "catalog": 1, "name": "grocer", "currency": "USD", "timezone": "America/New_York",
        "channels": [{"id": "web", "direction": "inbound"}, {"id": "push", "direction": "outbound"}],
        "placements": [{"id": "home_hero", "channel": "web"}, {"id": "home_strip", "channel": "web", "count_max": 3}],
        "actions": [
            {"id": "dairy_coupon", "group": "coupons", "value": 1.8},
            {"id": "come_back", "group": "win_back", "value": 6},
        ],
        "budgets": [{"id": "coupon_pool", "unit": "coupon", "cap": 5000}],
        "contact_policies": [{"id": "one_push_a_day", "scope": {"channel": "push"}, "limit": 1, "window": "24h"}],
    }


def live() -> dict[str, Any]:
    return {
        "at": AT, "version": 41, "age_ms": 180, "caught_up": True, "behind_rows": 0,
        "shards": [
            {"shard": shard, "seq": 1_200 + shard, "newest": 1_200 + shard, "reached": True} for shard in (0, 1)
        ],
        "rate_per_s": 212.4, "p50_ms": 3.21, "p99_ms": 11.8, "degraded_share": 0.0,
        "minutes": [
            {"minute": f"2026-03-01T17:{minute:02}:00-05:00", "decisions": 9_000 + 731 * (minute * 7 % 11),
             "degraded": 12 * (minute % 13 == 5), "events": 4_100 + 97 * (minute * 5 % 7),
             "outcomes": 900 + 31 * (minute % 9), "chosen": 8_000 + 690 * (minute * 7 % 11),
             "accepted": 610 + 13 * (minute * 3 % 8)}
            for minute in range(4, 60)
        ],
        "recent": [
            {"decision_id": DECISION if n == 0 else f"d-{n:04}",
             "customer_id": CUSTOMER if n == 0 else f"hh-{1300 + n}",
             "time": f"2026-03-01T18:03:{40 - n:02}-05:00", "channel": ("web", "app", "push")[n % 3],
             "control_group": "universal" if n % 9 == 4 else None, "degraded": n == 7, "scorer_version": "s-3",
             "candidates": 42, "chosen": n % 3, "items": [
                 {"placement": "home_hero", "rank": 1, "action": ("dairy_coupon", "come_back")[n % 2],
                  "treatment": "dairy_hero", "fallback": False},
             ] * (n % 3 > 0)}
            for n in range(24)
        ],
        "sample_ratio": 1.0,
    }


def funnel() -> dict[str, Any]:
    counts = (0, 0, 8_210, 3_400, 91_333, 40_120, 7_004, 22_090, 5_113, 18_400, 31_229, 912, 0, 158_389)
    removed = dict(zip(("candidates", *GATES, "ranked", "chosen"), counts, strict=True))
    left, gates = 412_000, []
    for gate, count in removed.items():
        left -= count
        gates.append({"gate": gate, "removed": count, "remaining": left})
    named = (("dairy_coupon", "web"), ("come_back", "push"), ("ask_feedback", "web"), ("offer_help", "app"))
    return {
        "window": "hour", "from": "2026-03-01T17:03:00-05:00", "to": AT, "version": 7, "decisions": 41_200,
        "degraded": 31, "held_out": 811, "gates": gates, "actions": [
            {"action": action, "channel": channel, "candidates": 41_200, "removed": {"eligibility": 11_000 - 900 * n},
             "chosen": 9_000 - 1_700 * n, "fallback": 0, "confirmed": 8_100 - 1_600 * n, "accepted": 730 - 140 * n,
             "negative": 21, "value": 1_314.0 - 200 * n, "control": {"chosen": 0, "confirmed": 160, "accepted": 9}}
            for n, (action, channel) in enumerate(named)
        ],
        "policies": [{"policy": "one_push_a_day", "granted": 5_021, "refused": 2_110}],
        "budgets": [{"budget": "coupon_pool", "dry": 4}],
    }


def status() -> dict[str, Any]:
    shards = [
        {"shard": shard, "up": True, "state": "serving", "node_id": "ab" * 28, "incarnation": 1, "epoch": 17,
         "seq": 1_200 + shard, "backlog": shard, "append_p50_ms": 0.251, "append_p99_ms": 1.75,
         "customers_resident": 321, "customers_passivated": 2_104, "restarts": 0, "degraded": False,
         "catalog_version": CATALOG_VERSION, "evidence_version": 9, "scorer_version": "s-3", "checkpoint_age_s": 14.2}
        for shard in (0, 1)
    ]
    return {
        "epoch": 4, "clock": "wall", "coordinator": True, "degraded": False, "catalog_version": CATALOG_VERSION,
        "scorer_version": "s-3", "evidence_version": 9, "shards": shards,
    }


def budgets() -> list[dict[str, Any]]:
    return [
        {"id": "coupon_pool", "unit": "coupon", "cap": 5_000, "granted": 4_200, "spent": 3_120, "held": 244,
         "unfunded": 0, "available": 1_636, "period": None, "shards": [
             {"shard": 0, "granted": 2_200, "spent": 1_600, "held": 140},
             {"shard": 1, "granted": 2_000, "spent": 1_520, "held": 104},
         ]},
        {"id": "win_back_budget", "unit": "USD", "cap": 1_000, "granted": 800, "spent": 411, "held": 25, "unfunded": 0,
         "available": 564, "shards": [{"shard": 0, "granted": 800, "spent": 411, "held": 25}],
         "period": {"kind": "day", "from": "2026-03-01T05:00:00Z", "until": "2026-03-02T05:00:00Z"}},
    ]


def customer() -> dict[str, Any]:
    return {
        "customer_id": CUSTOMER, "state_version": 39, "attributes": {"age_band": "35-44", "employee": False},
        "features": {"baskets_28d": 6, "spend_28d": 211.4}, "segments": ["loyal"], "consent": {"marketing": True},
        "contacts": [
            {"decision_id": DECISION, "action": "dairy_coupon", "treatment": "dairy_hero", "channel": "web",
             "time": AT},
        ],
        "holds": [], "intents": [], "policies": [
            {"policy": "one_push_a_day", "kind": "limit", "channel": "push", "per": "customer", "what": None,
             "limit": 1, "used": 1, "window": "24h", "next_free": "2026-03-02T08:00:00-05:00", "refuses": True,
             "detail": "1 of 1 used, next free 2026-03-02T08:00:00-05:00"},
        ],
    }


def timeline() -> list[dict[str, Any]]:
    return [
        {"kind": "decision", "time": AT, "id": DECISION, "state_version": 39, "body": {"channel": "web"}},
        {"kind": "event", "time": "2026-03-01T18:01:02-05:00", "id": "b-9001", "state_version": 38,
         "body": {"type": "basket", "channel": "pos", "properties": {"total": 41.17}}},
    ]


def decision() -> dict[str, Any]:
    item = {
        "rank": 1, "action": "dairy_coupon", "treatment": "dairy_hero", "fallback": False,
        "content": {"title": "25% off dairy"}, "propensity": 0.131, "priority": 0.25938, "selection_probability": 0.92,
        "hold_expires": "2026-03-01T18:33:11-05:00",
    }
    return {
        "decision_id": DECISION, "customer_id": CUSTOMER, "channel": "web", "time": AT, "state_version": 39,
        "request": {
            "request_id": "r-1", "customer_id": CUSTOMER, "channel": "web", "placements": [{"id": "home_hero"}],
        },
        "decision": {
            "decision_id": DECISION, "request_id": "r-1", "customer_id": CUSTOMER, "time": AT, "state_version": 39,
            "catalog_version": CATALOG_VERSION, "scorer_version": "s-3", "control_group": None, "degraded": False,
            "dry_run": False, "placements": [{"placement": "home_hero", "items": [item]}],
        },
    }


def explanation() -> dict[str, Any]:
    funnel = {"candidates": 4, **dict.fromkeys(GATES[:3], 4), "eligibility": 3, **dict.fromkeys(GATES[4:9], 3),
              "contact_policy": 2, "budget": 2, "ranked": 2, "chosen": 1}
    return {
        "decision_id": DECISION, "time": AT, "seed": "17",
        "versions": {"catalog": CATALOG_VERSION, "scorer": "s-3", "evidence": "9", "state": 38}, "funnel": funnel,
        "candidates": [
            {"action": "dairy_coupon", "placement": "home_hero", "rank": 1, **numbers(0.131, 1.8, 0.25938),
             "selection_probability": 0.92},
            {"action": "ask_feedback", "removed_by": "not_chosen", "rule": None, "detail": "others took the positions",
             **numbers(0.052, 0.3, 0.01716)},
            {"action": "come_back", "removed_by": "contact_policy", "rule": "one_push_a_day",
             "detail": "1 of 1 used, next free 2026-03-02T08:00:00Z"},
            {"action": "offer_help", "removed_by": "eligibility", "rule": "segments.struggling", "detail": "false"},
        ],
    }


def numbers(propensity: float, value: float, priority: float) -> dict[str, Any]:
    """Of a candidate that was ranked."""
    return {
        "propensity": propensity, "propensity_source": "scorer", "scorer_weight": 0.83,
        "scorer_propensity": propensity * 1.04, "evidence_propensity": 0.05, "context_weight": 1.0, "value": value,
        "lever": 1.1, "priority": priority, "top_features": [["baskets_28d", 0.21], ["spend_28d", -0.05]],
    }
