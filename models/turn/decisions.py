"""A decision in two halves: prepared before scoring, resolved after it.

Until it is resolved a decision lives on a fork of its customer's work, with its nested event: when the request is
refused, or its deadline passes, or it is a dry run, nothing of it remains.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from models import canonical, ids, randomness
from models.arbitration import deciding, fates
from models.arbitration.preparation import Misfit, Preparation, Verdict
from models.arbitration.ranking import Ranking
from models.budgets.periods import period_key
from models.profile.facts import Decided
from models.turn import answering, refusals
from models.turn.commands import DECISION, EVENT, EXPLAIN, Command, Reply
from models.turn.context import TurnContext
from models.turn.events import apply_event, event_object
from models.turn.keys import Hint, body_fingerprint, key16
from models.turn.refusals import Problem
from models.turn.results import Answer, AnswerAt, Wait
from models.turn.top_features import TopFeatures
from models.turn.work import Work

#: Fields of a request that do not make it another request.
NOT_COMPARED: Final = ("deadline_ms", "min_state_version")


@dataclass(slots=True)
class Pending:
    """A decision that waits for its scores."""

    #: Place of its command in the turn.
    index: int
    command: Command
    #: The customer's work, and the fork on which this decision stands.
    base: Work
    trial: Work
    #: What a dry run tells as ``state_version``; None for a decision that counts.
    dry_version: int | None
    seed: bytes
    fingerprint: bytes
    #: As logged: without what is not compared, the nested event as rules see it.
    request: dict[str, Any]
    preparation: Preparation
    #: float32 customer columns of the scorer, laid out with those of its wave; empty without one.
    vector: bytes = b""

    @property
    def explains(self) -> bool:
        """Whether its answer holds an explanation."""
        return self.command.kind == EXPLAIN or bool(self.request["explain"])


def prepare(context: TurnContext, work: Work, index: int, command: Command) -> Answer | Pending:
    """Everything before the scores: an answer right away, or a decision that waits for them."""
    body = command.body
    dry_run = bool(body["dry_run"]) or command.kind == EXPLAIN
    request = body.copy()
    for name in NOT_COMPARED:
        request.pop(name, None)
    fingerprint = b""
    if not dry_run:
        fingerprint = body_fingerprint(request)
        repeated = _repeated(context, work, command, fingerprint)
        if repeated is not None:
            return repeated
        work.advance()
    wanted = body["min_state_version"]
    if wanted is not None and wanted > work.version:
        return Wait(wanted, work.version, body["request_id"])
    trial = work.fork()
    if dry_run:
        trial.advance()
    version = trial.version
    if body["event"] is not None:
        refusal = _apply_nested(context, trial, body, request)
        if refusal is not None:
            return refusals.as_reply(refusal)
    request["dry_run"] = dry_run
    trial.be_born(body["customer_id"])
    shown = version if dry_run else None
    return _prepare_on(context, work, trial, index, command, request, fingerprint, shown)


def _prepare_on(
    context: TurnContext, work: Work, trial: Work, index: int, command: Command, request: dict[str, Any],
    fingerprint: bytes, dry_version: int | None,
) -> Answer | Pending:
    assert trial.profile is not None
    seed = randomness.derive_seed(context.turn_seed, index)
    state = context.state
    preparation = deciding.prepare(
        trial.profile, context.plan, request, seed, context.now_ms, state.evidence, state.active_roles
    )
    if isinstance(preparation, Misfit):
        return refusals.as_reply(preparation.problem)
    return Pending(index, command, work, trial, dry_version, seed, fingerprint, request, preparation)


def resolve(
    context: TurnContext, pending: Pending, scores: bytes | None, degraded: bool, ranking: Ranking,
    top_features: TopFeatures,
) -> Reply:
    """Decide: record the fact, remember the key, answer. A dry run only answers. ``ranking`` was made from ``scores``
    (float32, one per candidate), which are None where evidence decides. ``top_features`` is empty unless the decision
    ``explains``."""
    verdict = deciding.resolve_ranked(
        pending.preparation, ranking, scores, degraded, context.free
    )
    if pending.dry_version is not None:
        return Reply(200, canonical.pack(_dry_answer(pending, verdict, top_features)))
    trial = pending.trial
    decision_id = ids.decision_id(trial.customer, pending.seed)
    body = answering.answer(pending.preparation, verdict, pending.request, decision_id, trial.version + 1, top_features)
    reply = canonical.pack(body)
    trial.record(_fact(context, pending, verdict, decision_id, scores, degraded, reply, top_features))
    trial.remember(key16(DECISION, pending.request["request_id"]), pending.fingerprint)
    pending.base.adopt(trial)
    _note_missed(context, verdict)
    return Reply(200, reply)


def _repeated(context: TurnContext, work: Work, command: Command, fingerprint: bytes) -> Answer | None:
    request_id = command.body["request_id"]
    key = key16(DECISION, request_id)
    remembered = context.recall(work, key)
    if remembered is None:
        return None
    if remembered.fingerprint != fingerprint:
        return refusals.as_reply(refusals.conflict("the request id", request_id, request_id))
    if remembered.seq:
        generation = Hint.unpack(remembered.hint).generation
        return AnswerAt(remembered.seq, work.customer, generation, request_id)
    return Reply(200, work.reply_to(request_id))


def _apply_nested(context: TurnContext, trial: Work, body: dict[str, Any], request: dict[str, Any]) -> Problem | None:
    """Apply the event of a request to its fork, and show it to the rules in ``request``."""
    customer_id, nested = body["customer_id"], body["event"]
    event = {
        "event_id": nested["event_id"], "customer_id": customer_id, "type": nested["type"],
        "time_ms": nested["time_ms"], "channel": nested["channel"], "properties": nested["properties"],
    }
    refusal, _ = apply_event(context, trial, EVENT, event, body["request_id"])
    time_ms = context.now_ms if event["time_ms"] is None else event["time_ms"]
    request["event"] = event_object(event, customer_id, time_ms)
    return refusal


def _dry_answer(pending: Pending, verdict: Verdict, top_features: TopFeatures) -> dict[str, Any]:
    if pending.command.kind == EXPLAIN or pending.dry_version is None:
        return answering.explanation(pending.preparation, verdict, None, top_features)
    return answering.answer(pending.preparation, verdict, pending.request, None, pending.dry_version, top_features)


def _fact(
    context: TurnContext, pending: Pending, verdict: Verdict, decision_id: str, scores: bytes | None, degraded: bool,
    reply: bytes, top_features: TopFeatures,
) -> Decided:
    prepared = pending.preparation
    return Decided(
        decision_id, pending.request["request_id"], pending.fingerprint, pending.request, pending.seed,
        context.plan.version, prepared.scorer, context.state.evidence.version, pending.trial.version, degraded,
        pending.vector, prepared.scored.tobytes(), b"" if scores is None else scores, verdict.free,
        verdict.items, reply, tuple(top_features.items()), prepared.exposures, fates.made(prepared, verdict),
        prepared.control_group,
    )


def _note_missed(context: TurnContext, verdict: Verdict) -> None:
    """Budgets for want of which an action fell out: asked for once the turn is durable."""
    for budget, _ in verdict.dry.values():
        period = period_key(context.plan.budgets[budget].period, context.now_ms, context.plan.zone)
        context.missed.add((budget, period))
