"""What whoever reads the answer must know of how the candidate was judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from models import limits
from models.catalog.plan import Plan, RestPolicy
from models.scoring.roles import Roles
from models.whatif.changes import NEW, Changes
from models.whatif.units import Account, is_new

_NAMED_MAX: Final = 10


def notes_of(
    changes: Changes, adopted: Roles, live: Roles, candidate: Roles, accounts: Mapping[str, Account], now_ms: int,
) -> list[str]:
    """Sentences. ``adopted``: all roles; ``live`` and ``candidate``: those of scorers that fit either catalog."""
    found = [
        *_beginnings(changes), *_budgets(changes, accounts, now_ms),
        *_scorers(adopted, live, candidate, changes.candidate),
    ]
    return found[: limits.WHAT_IF_NOTES_MAX]


def _beginnings(changes: Changes) -> list[str]:
    """What has no past under the candidate, as on the day of its publication."""
    found = []
    if changes.features:
        found.append(f"These features are new or counted anew and start empty: {_named(changes.features)}.")
    waiting = [
        policy.id for policy in changes.candidate.policies
        if isinstance(policy, RestPolicy) and policy.event and policy.id in changes.policies
    ]
    if waiting:
        found.append(f"These contact policies know of no event before their publication: {_named(waiting)}.")
    if changes.targets:
        told = [id_ for id_, how in changes.targets.items() if how == NEW]
        if told:
            found.append(f"These targets are new, so nobody has a score of them yet: {_named(told)}.")
    if changes.experiments:
        found.append(f"Customers enter these experiments as on their first day: {_named(changes.experiments)}.")
    return found


def _budgets(changes: Changes, accounts: Mapping[str, Account], now_ms: int) -> list[str]:
    live, candidate = changes.live, changes.candidate
    found = []
    for budget in candidate.budgets.values():
        if is_new(budget, live, candidate, now_ms):
            found.append(f"Budget {budget.id!r} is new, with all of its {budget.cap:,} {budget.unit} free.")
            continue
        before, account = live.budgets[budget.id].cap, accounts.get(budget.id)
        if budget.cap != before and account is not None:
            left = max(0, budget.cap - account.used)
            found.append(
                f"The cap of budget {budget.id!r} goes from {account.cap:,} to {budget.cap:,} {budget.unit}; "
                f"{account.used:,} are spent or held, so {left:,} are free."
            )
    return found


def _scorers(adopted: Roles, live: Roles, candidate: Roles, plan: Plan) -> list[str]:
    deciding = [version for version in (adopted.champion, adopted.canary) if version is not None]
    found = []
    for version in deciding:
        if version in candidate.versions:
            continue
        also = "" if version in live.versions else ", as it does not fit the live one"
        found.append(
            f"Scorer {version} does not fit the new catalog{also}: under it evidence alone decides for its customers."
        )
    missing = [version for version in named_by(plan) if version not in candidate.named]
    found += [
        f"An experiment names scorer {version}, which is not registered or does not fit: publishing is refused until "
        "it is." for version in missing
    ]
    return found


def named_by(plan: Plan) -> list[str]:
    """The scorers that the variants of a plan's experiments name."""
    variants = (variant for one in plan.catalog.get("experiments") or () for variant in one.get("variants") or ())
    return list(dict.fromkeys(variant["scorer"] for variant in variants if variant.get("scorer")))


def _named(ids: Iterable[str]) -> str:
    listed = sorted(ids)
    more = f" and {len(listed) - _NAMED_MAX} more" if len(listed) > _NAMED_MAX else ""
    return ", ".join(listed[:_NAMED_MAX]) + more
