"""What the API tells of a grocer on a busy evening, in the shapes of the contract: for tests, and to look at pages."""

from __future__ import annotations

import copy
import random
from typing import Any, Final

from models.arbitration.preparation import GATES

VERSION: Final = "sha256:" + "5f0c9a" * 10 + "7d1e"
SCORER: Final = "2026-11-20T02-10-00Z-4be1c2"
NODES: Final = ("8f2c41aa" * 7, "d93b07e5" * 7)
_CELLS: Final = (
    ("dairy_coupon", "web", 0.083), ("dairy_coupon", "email", 0.041), ("come_back", "email", 0.027),
    ("come_back", "push", 0.019), ("come_back", "web", 0.035), ("cart_reminder", "push", 0.112),
    ("offer_help", "app", 0.342), ("offer_help", "call_centre", 0.471), ("ask_feedback", "web", 0.012),
    ("ask_feedback", "app", 0.018), ("brand_story", "web", 0.0),
)


def live(seed: int = 6, decisions: int = 30) -> dict[str, Any]:
    draw = random.Random(seed)
    minutes = []
    for minute in range(60):
        count = round(1_100 + 380 * draw.random() + 9 * minute)
        degraded = draw.randint(0, 6) if minute % 11 else draw.randint(60, 180)
        minutes.append({
            "minute": f"2026-11-22T{17 + (minute + 20) // 60:02d}:{(minute + 20) % 60:02d}:00Z", "decisions": count,
            "degraded": degraded, "events": count * 2 + draw.randint(0, 99), "outcomes": count // 3,
            "chosen": round(count * 1.7), "accepted": round(count * 0.07),
        })
    return {
        "at": "2026-11-22T18:19:41.207Z", "version": 90_211, "age_ms": 240, "caught_up": True, "behind_rows": 0,
        "shards": [{"shard": 0, "seq": 48_211, "newest": 48_211, "reached": True},
                   {"shard": 1, "seq": 47_950, "newest": 47_952, "reached": True}],
        "rate_per_s": 24.3, "p50_ms": 3.8, "p99_ms": 17.2, "degraded_share": 0.0031, "minutes": minutes,
        "recent": [_decision(draw, at) for at in range(decisions)], "sample_ratio": 0.41,
    }


def _decision(draw: random.Random, at: int) -> dict[str, Any]:
    channel, placements = draw.choice([
        ("web", ["home_hero", "home_strip"]), ("app", ["app_card"]), ("email", ["email_body"]),
        ("push", ["push_message"]), ("call_centre", ["agent_script"]),
    ])
    fitting = [action for action, where, _ in _CELLS if where == channel]
    items = [
        {"placement": placement, "rank": 1, "action": (action := draw.choice(fitting)),
         "treatment": f"{action}_{placement.split('_')[-1]}", "fallback": action == "brand_story"}
        for placement in placements
    ] if draw.random() < 0.85 else []
    held_out = draw.random() < 0.04
    return {
        "decision_id": f"0.{draw.getrandbits(96):024x}", "customer_id": f"hh-{draw.randint(1, 2_500)}",
        "time": f"2026-11-22T18:19:{max(0, 41 - at // 2):02d}.{draw.randint(0, 999):03d}Z", "channel": channel,
        "control_group": "universal" if held_out else None, "degraded": draw.random() < 0.04,
        "scorer_version": SCORER, "candidates": 7, "chosen": len(items), "items": items,
    }


def funnel(window: str = "hour", scale: int = 1) -> dict[str, Any]:
    draw = random.Random(7)
    remaining = 504_210 * scale
    shares = {"request": 0.002, "control_group": 0.02, "valid": 0.0, "eligibility": 0.31, "applicability": 0.22,
              "suitability": 0.04, "consent": 0.11, "quiet_hours": 0.06, "treatment": 0.29, "contact_policy": 0.38,
              "budget": 0.05, "chosen": 0.46}
    gates = []
    for gate in GATES:
        removed = round(remaining * shares.get(gate, 0.0))
        remaining -= removed
        gates.append({"gate": gate, "removed": removed, "remaining": remaining})
    return {
        "window": window, "from": "2026-11-22T17:20:00Z", "to": "2026-11-22T18:19:41.207Z", "version": 90_211,
        "decisions": 72_030 * scale, "degraded": 214, "held_out": 1_502, "gates": gates,
        "actions": [_cell(draw, *cell, scale) for cell in _CELLS],
        "policies": [
            {"policy": "three_a_day", "granted": 9_120, "refused": 2_210},
            {"policy": "one_push_a_day", "granted": 3_004, "refused": 8_801},
            {"policy": "coupon_rest", "granted": 12_090, "refused": 4_020},
            {"policy": "took_no_for_an_answer", "granted": 12_090, "refused": 77},
            {"policy": "not_both", "granted": 15_800, "refused": 411},
            {"policy": "never_after", "granted": 0, "refused": 0},
        ],
        "budgets": [{"budget": "win_back_budget", "dry": 312}],
    }


def _cell(draw: random.Random, action: str, channel: str, share: float, scale: int) -> dict[str, Any]:
    chosen = draw.randint(900, 9_000) * scale
    confirmed = round(chosen * draw.uniform(0.5, 0.9))
    mandatory = action == "offer_help"
    held = round(chosen * 0.02) if mandatory else 0
    seen = round(held * 0.8)
    return {
        "action": action, "channel": channel, "candidates": chosen * 5, "removed": {"eligibility": chosen * 2},
        "chosen": 0 if action == "brand_story" else chosen, "fallback": chosen if action == "brand_story" else 0,
        "confirmed": 0 if action == "brand_story" else confirmed, "accepted": round(confirmed * share),
        "negative": round(confirmed * 0.011), "value": round(confirmed * share * 1.8, 2),
        "control": {"chosen": held, "confirmed": seen, "accepted": round(seen * share * 0.8)},
    }


BUDGETS: Final[dict[str, Any]] = {"budgets": [
    {"id": "coupon_pool", "unit": "coupon", "cap": 5_000, "granted": 3_904, "spent": 2_811, "held": 604, "unfunded": 0,
     "available": 1_585, "period": None, "shards": [
         {"shard": 0, "granted": 1_990, "spent": 1_420, "held": 320},
         {"shard": 1, "granted": 1_914, "spent": 1_391, "held": 284},
     ]},
    {"id": "win_back_budget", "unit": "USD", "cap": 1_000, "granted": 1_000, "spent": 870, "held": 130, "unfunded": 15,
     "available": 0, "period": {"kind": "day", "from": "2026-11-22T05:00:00Z", "until": "2026-11-23T05:00:00Z"},
     "shards": [{"shard": 0, "granted": 520, "spent": 460, "held": 60},
                {"shard": 1, "granted": 480, "spent": 410, "held": 70}]},
    {"id": "agent_minutes", "unit": "minute", "cap": 600, "granted": 240, "spent": 174, "held": 18, "unfunded": 0,
     "available": 408, "period": {"kind": "hour", "from": "2026-11-22T18:00:00Z", "until": "2026-11-22T19:00:00Z"},
     "shards": [{"shard": 0, "granted": 120, "spent": 80, "held": 12},
                {"shard": 1, "granted": 120, "spent": 94, "held": 6}]},
    {"id": "welcome_gifts", "unit": "gift", "cap": 200, "granted": 180, "spent": 150, "held": 10, "unfunded": 0,
     "available": 40, "period": {"kind": "day", "from": "2026-11-22T05:00:00Z", "until": "2026-11-23T05:00:00Z"},
     "shards": [{"shard": 0, "granted": 180, "spent": 150, "held": 10}]},
]}
CLOCK: Final = {"time": "2026-11-22T18:19:41.207Z", "mode": "wall"}
_SHARD: Final[dict[str, Any]] = {
    "up": True, "live": True, "ready": True, "state": "serving", "coordinator": True, "degraded": False,
    "incarnation": 2, "backlog": 4, "parked": 0, "draining": False, "append_p50_ms": 0.412, "append_p99_ms": 2.871,
    "customers_resident": 12_604, "customers_hot": 3_110, "resident_bytes": 18_900_412, "catalog_version": VERSION,
    "evidence_version": 412, "scorer_version": SCORER, "recovery_ms": 431, "restarts": 0,
    "customers_passivated": 181_204,
    "checkpoint_age_s": 14.2,
}
STATUS: Final[dict[str, Any]] = {
    "epoch": 7, "clock": "wall", "catalog_version": VERSION, "evidence_version": 412, "scorer_version": SCORER,
    "scorer_note": "", "serving": [
        {"application": "kairos", "deployment": "Gateway", "state": "healthy", "running": 2, "replicas": 2},
        {"application": "kairos-scorer", "deployment": "Scorer", "state": "healthy", "running": 1, "replicas": 1},
        {"application": "kairos-console", "deployment": "Console", "state": "healthy", "running": 1, "replicas": 1},
    ], "coordinator": True, "degraded": False, "shards": [
        {**_SHARD, "shard": 0, "epoch": 12, "seq": 48_211, "node_id": NODES[0], "pid": 4011},
        {**_SHARD, "shard": 1, "epoch": 14, "seq": 47_952, "node_id": NODES[1], "pid": 4012, "restarts": 1},
    ],
}


def troubled_status() -> dict[str, Any]:
    """A shard away, one that is slow and lags, the coordinator unheard by it."""
    told = copy.deepcopy(STATUS)
    told["degraded"] = True
    told["shards"][0] |= {"append_p99_ms": 181.3, "backlog": 2_410, "degraded": True, "restarts": 5,
                          "catalog_version": "sha256:" + "00" * 32}
    told["shards"][1] = {"shard": 1, "up": False}
    return told


CATALOG: Final[dict[str, Any]] = {"catalog_version": VERSION, "catalog": {
    "catalog": 1, "name": "grocer", "currency": "USD", "timezone": "America/New_York",
    "channels": [{"id": id_} for id_ in ("web", "app", "email", "push", "call_centre")],
    "actions": [{"id": id_} for id_ in dict.fromkeys(action for action, _, _ in _CELLS)],
    "contact_policies": [
        {"id": "three_a_day", "scope": {"direction": "outbound"}, "limit": 3, "window": "24h"},
        {"id": "one_push_a_day", "scope": {"channel": "push"}, "limit": 1, "window": "24h"},
        {"id": "coupon_rest", "scope": {"group": "coupons"}, "limit": 2, "window": "7d", "per": "action"},
        {"id": "took_no_for_an_answer", "scope": {"group": "coupons"}, "after": {"outcome": "reject", "count": 1},
         "rest": "30d", "per": "action"},
        {"id": "ignored_thrice", "scope": {"issue": "grow"}, "after": {"outcome": "none", "count": 3, "window": "30d"},
         "rest": "14d", "per": "group"},
        {"id": "not_both", "exclusive": ["dairy_coupon", "come_back"], "window": "7d"},
        {"id": "never_after", "never": "ask_feedback", "after": {"action": "offer_help"}, "window": "2d"},
    ],
}}
