"""Scores of targets become facts: a shard's own command, worked on in an ordinary turn after the decisions of it.

What was worked out meanwhile counts only for the customer it was worked out for (an erased one's successor is another),
and only from the scorers that the targets still have.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from models import canonical, limits
from models.profile.facts import ScoresRefreshed
from models.profile.state import Profile
from models.turn.commands import REFRESH, Command, Reply
from models.turn.context import TurnContext
from models.turn.work import Work


def refresh_command(customer: bytes, generation: int, scores: Iterable[tuple[str, float | str, str]]) -> Command:
    """``scores``: (target, value, scorer version)."""
    return Command(REFRESH, customer, "", {"generation": generation, "scores": [list(score) for score in scores]})


def handle(context: TurnContext, work: Work, command: Command) -> Reply:
    """Log what is news: ``{"refreshed": how many scores}``. A score that is old is news even when it says the same."""
    profile, body = work.profile, command.body
    if profile is None or profile.generation != body["generation"]:
        return _reply(0)
    adopted = context.state.active_roles.targets
    news = tuple(
        (target, value, version) for target, value, version in body["scores"]
        if target in context.plan.targets and adopted.get(target) == version
        and is_news(profile, target, value, version, context.now_ms)
    )
    if news:
        work.record(ScoresRefreshed(news))
    return _reply(len(news))


def is_news(profile: Profile, target: str, value: Any, version: str, now_ms: int) -> bool:
    """Whether a score differs from the one that is kept, or that one is old."""
    known = profile.scores.get(target)
    return (
        known is None or (known.value, known.version) != (value, version)
        or now_ms - known.at_ms >= limits.SCORES_OLD_MS
    )


def _reply(refreshed: int) -> Reply:
    return Reply(200, canonical.pack({"refreshed": refreshed}))
