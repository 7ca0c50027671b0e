"""The broken builds: for each invariant a few small replacements in the product, and the tests that must fail then."""

from __future__ import annotations

from typing import Final

from .build import Build
from .of_learning import LEARNING
from .of_the_console import CONSOLE

#: As ``architecture.md`` numbers and words them; the eleventh is learning's, the twelfth the console's own.
INVARIANTS: Final = {
    1: "An acknowledged event, outcome or decision is never lost: kill -9 of any process at any instant.",
    2: "No hold is granted that would exceed a contact policy in any window, however many channels ask at once.",
    3: "No budget is ever overspent; units held by nobody return.",
    4: "One idempotency key, one effect, one answer.",
    5: "A decision can be re-executed from the journal to the same bytes.",
    6: "A dry run or an explanation changes nothing.",
    7: "A state_version read back is never older than one acknowledged to that caller.",
    8: "A withdrawn consent binds the very next decision.",
    9: "A decision never waits for the coordinator, and answers within its deadline when the scorer is gone.",
    10: "Memory per shard is bounded by configuration, not by the number of customers.",
    11: "Who scores, what a choice's probability is and what an experiment counts are exactly what is told of them.",
    12: "Who looks sees what happened, all of what they may see and nothing else, and changes nothing by looking.",
}


_SHARD: Final = "tests/unit/shard"
_MOVES: Final = "tests/unit/moves"
_TURN: Final = "tests/unit/turn"
_ARBITRATION: Final = "tests/unit/arbitration"
_JOURNAL: Final = "tests/contracts/journal"
_SIMULATION: Final = "tests/simulation/test_simulation.py"
_SEEDS: Final = f"{_SIMULATION}::test_no_seed_breaks_a_promise[0]"

_NEVER_LOST: Final = (
    Build(
        1, "an owner that lost its epoch still appends", "actors/journal/sqlite.py",
        'last_seq = ? WHERE epoch = ? AND last_seq = ?", (seq, self.epoch, self.last_seq)',
        'last_seq = ? WHERE last_seq = ?", (seq, self.last_seq)',
        (f"{_JOURNAL}/test_append.py",),
    ),
    Build(
        1, "the row and the owner's place are two transactions", "actors/journal/sqlite.py",
        "            if moved:\n",
        "        with self._file.writing() as db:\n            if moved:\n",
        (f"{_JOURNAL}/test_kill_in_mid_append.py",),
    ),
    Build(
        1, "a turn is answered before it is appended", "actors/shard/turning.py",
        "        try:\n            if result.is_empty:\n",
        "        for pending, reply in zip(live, result.replies, strict=True):\n"
        "            if isinstance(reply, Reply):\n                pending.answer(reply)\n"
        "        try:\n            if result.is_empty:\n",
        (f"{_SHARD}/test_durability.py::test_nothing_is_answered_before_its_turn_is_on_disk",),
    ),
    Build(
        1, "a turn whose append failed becomes true in memory", "actors/shard/turning.py",
        '            log.error("disk_full", requests=len(live), request_ids=_request_ids(live))\n',
        "            parts.settle(result, parts.core.state.seq + 1, 0)\n",
        (f"{_SHARD}/test_durability.py::test_nothing_is_built_on_a_turn_that_could_not_be_appended",),
    ),
    Build(
        1, "commits do not wait for the disk", "actors/journal/sqlite_file.py",
        "PRAGMA synchronous = FULL", "PRAGMA synchronous = OFF",
        (f"{_SHARD}/test_durability.py::test_every_commit_waits_for_the_disk",),
    ),
    Build(
        1, "recovery passes over a customer's row that follows another", "actors/shard/recovery.py",
        "entry.seq < seq", "entry.seq < seq - 1",
        (f"{_SHARD}/test_serving.py::test_a_restarted_shard_reads_the_same_and_still_knows_its_keys",),
    ),
    Build(
        1, "what a standby read of an erased customer outlives the key", "actors/shard/recovery.py",
        "for ended in loaded.receipts.values()])", "for ended in ()])",
        (f"{_MOVES}/test_following.py::test_a_standby_holds_what_a_restart_would_hold",),
    ),
    Build(
        1, "a released shard serves again without asking who owns its journal", "actors/shard/duty.py",
        "if self.is_serving or not await self._still_owns() or number", "if self.is_serving or number",
        (f"{_MOVES}/test_releasing.py::test_a_zombie_that_resumes_leaves_for_good",),
    ),
    Build(
        1, "rows between replay and takeover are passed over", "actors/shard/following.py",
        "        while self.step():\n            pass\n        parts, journal = self._parts, self._journal\n",
        "        parts, journal = self._parts, self._journal\n        parts.core.state.seq = journal.last_seq\n",
        (f"{_MOVES}/test_following.py::test_rows_that_come_between_the_last_look_and_the_takeover_are_replayed",),
    ),
)

_CONTACT_POLICIES: Final = (
    Build(
        2, "one contact too many", "models/arbitration/limit.py",
        "if used >= policy.limit:", "if used > policy.limit:",
        (f"{_ARBITRATION}/test_contact_policies.py",),
    ),
    Build(
        2, "a window is a millisecond too short", "models/arbitration/holds.py",
        "- window_ms + 1", "- window_ms + 2",
        (f"{_ARBITRATION}/test_windows.py", f"{_ARBITRATION}/test_contact_policies.py"),
    ),
    Build(
        2, "a hold does not count while it is open", "models/arbitration/holds.py",
        "    elif contact.state == HELD:\n", "    elif contact.state == HELD and contact.outcomes:\n",
        (f"{_ARBITRATION}/test_contact_policies.py", _SEEDS),
    ),
    Build(
        2, "two items of one decision do not see each other", "models/arbitration/above.py",
        "        self._unjudged.append((action, treatment))\n", "",
        (_SEEDS,),
    ),
    Build(
        2, "a treatment with a weight is drawn although a contact policy refuses it", "models/arbitration/above.py",
        "if judge.refusal(known, one[0]) is None", "if judge.refusal(known, one[0]) is None or True",
        (f"{_ARBITRATION}/test_weighted_treatments.py",),
    ),
    Build(
        2, "two channels that ask at once are both judged on the customer as it was", "models/turn/waves.py",
        "                    pending.append(answer)\n                    break\n",
        "                    pending.append(answer)\n                    continue\n",
        (_SEEDS,),
    ),
)

_BUDGETS: Final = (
    Build(
        3, "decisions of one turn spend the same free units", "models/turn/context.py",
        " - self.taken.get((budget, period), 0)", "",
        (f"{_TURN}/test_decisions.py::test_two_decisions_of_one_turn_never_share_a_unit",),
    ),
    Build(
        3, "exploration draws a treatment that no free unit pays", "models/arbitration/above.py",
        "found = tuple([one for one in found if self.purse.lacks(one[0]) is None])", "pass",
        (f"{_ARBITRATION}/test_weighted_treatments.py",),
    ),
    Build(
        3, "units of an expired hold never return", "models/turn/publics.py",
        "    elif isinstance(fact, HoldExpired):\n", "    elif isinstance(fact, HoldExpired) and before is None:\n",
        (f"{_SIMULATION}::test_units_held_by_nobody_return_when_time_passes",),
    ),
    Build(
        3, "a late acceptance spends a unit that nobody has", "models/turn/outcomes.py",
        "context.free(budget, period) >= units", "context.free(budget, period) >= 0",
        (f"{_TURN}/test_outcomes.py",),
    ),
    Build(
        3, "a grant is used before it is logged", "actors/shard/turning.py",
        "        appended = await parts.writer(parts.store.commit, result)\n"
        "        parts.settle(result, appended.seq, appended.bytes)\n",
        "        parts.settle(result, parts.core.state.seq + 1, 0)\n"
        "        await parts.writer(parts.store.commit, result)\n",
        (f"{_SHARD}/test_durability.py::test_units_are_there_when_their_grant_is_on_disk_and_not_before",),
    ),
    Build(
        3, "the coordinator grants what it has granted already", "models/coordination/granting.py",
        "    pool = round_.cap(key[0]) - account.outstanding\n    pool -=",
        "    pool = round_.cap(key[0])\n    pool -=",
        ("tests/unit/coordination/test_escrow_against_faults.py",),
    ),
    Build(
        3, "the coordinator tells a grant that it could not log", "actors/coordination/service.py",
        "            await self._record.write(handled.facts, self.core, now_ms)\n",
        "            asyncio.ensure_future(self._record.write(handled.facts, self.core, now_ms))\n",
        ("tests/unit/coordination/test_coordinator_service.py::test_a_fenced_coordinator_answers_nobody_and_leaves",),
    ),
)

_IDEMPOTENCY: Final = (
    Build(
        4, "an event's key is not remembered", "models/turn/events.py",
        "    work.remember(key, fingerprint)\n", "",
        (f"{_TURN}/test_events.py",),
    ),
    Build(
        4, "an outcome that is told twice counts twice", "models/turn/outcomes.py",
        "    work.remember(key, fingerprint, fact.late, unfunded)\n", "",
        (_SEEDS,),
    ),
    Build(
        4, "keys are not in the turn's row", "models/turn/work.py",
        "for key, entry in self.keys.items()]", "for key, entry in ()]",
        (f"{_TURN}/test_events.py", f"{_SHARD}/test_serving.py"),
    ),
    Build(
        4, "a checkpoint forgets keys that it did not write", "actors/shard/checkpointing.py",
        "FlushBatch(keys=keys)", "FlushBatch()",
        (f"{_SHARD}/test_serving.py",),
    ),
    Build(
        4, "the same id with another body gets the first answer", "models/turn/decisions.py",
        "if remembered.fingerprint != fingerprint:", "if not remembered.fingerprint:",
        (f"{_TURN}/test_decisions.py",),
    ),
    Build(
        4, "a key binds for a day instead of seven", "models/turn/keys.py",
        "now_ms - limits.IDEMPOTENCY_MS", "now_ms - limits.DAY_MS",
        (f"{_TURN}/test_events.py",),
    ),
)

_REEXECUTION: Final = (
    Build(
        5, "another seed is logged than was drawn from", "models/turn/decisions.py",
        "pending.request, pending.seed,", "pending.request, context.turn_seed,",
        (_SEEDS,),
    ),
    Build(
        5, "a draw that no seed explains", "models/randomness.py",
        "digest = hashlib.blake2b(text, key=seed, digest_size=8)",
        'digest = hashlib.blake2b(text, key=__import__("os").urandom(16), digest_size=8)',
        (_SEEDS,),
    ),
    Build(
        5, "scores are not frozen into the fact", "models/turn/decisions.py",
        'b"" if scores is None else scores,', 'b"",',
        (_SEEDS,),
    ),
    Build(
        5, "a past decision is explained on today's evidence", "actors/shard/shard_past.py",
        "if live.version == version or not", "if live.version >= (version or 0) or not",
        (f"{_SHARD}/test_reads.py",),
    ),
    Build(
        5, "budgets are not judged as they were", "models/turn/replay.py",
        "fact.free.get(budget, 0)", "len(fact.free)",
        (f"{_TURN}/test_replay.py",),
    ),
)

_LOOKS: Final = (
    Build(
        6, "a dry run is recorded", "models/turn/decisions.py",
        'dry_run = bool(body["dry_run"]) or command.kind == EXPLAIN', "dry_run = command.kind == EXPLAIN",
        (f"{_TURN}/test_decisions.py",),
    ),
    Build(
        6, "a dry run logs what time has done", "models/turn/decisions.py",
        "        trial.advance()\n", "        work.advance()\n",
        (f"{_TURN}/test_decisions.py",),
    ),
    Build(
        6, "a read logs what time has done", "models/turn/reading.py",
        "work.fork()", "work",
        (f"{_TURN}/test_customers.py",),
    ),
    Build(
        6, "a trial writes into the customer that it looks at", "models/turn/work.py",
        "self.profile.copy() if self.profile else None", "self.profile",
        (_SEEDS,),
    ),
)

_READ_YOUR_WRITES: Final = (
    Build(
        7, "a wanted version is not waited for", "models/turn/decisions.py",
        "if wanted is not None and wanted > work.version:", "if wanted is not None and wanted < 0:",
        (f"{_SHARD}/test_turns.py::test_a_decision_waits_for_the_version_that_it_was_promised",),
    ),
    Build(
        7, "an answer tells the version of another draft", "models/turn/decisions.py",
        "decision_id, trial.version + 1", "decision_id, pending.base.version + 1",
        (f"{_TURN}/test_decisions.py",),
    ),
    Build(
        7, "the store's older profile replaces the one in memory", "actors/shard/residency.py",
        "[customer for customer in customers if customer not in self._entries]", "list(customers)",
        (f"{_SHARD}/test_read_your_writes.py",),
    ),
    Build(
        7, "a customer leaves memory before it is stored", "actors/shard/residency.py",
        "            if not entry.dirty:\n                over -= entry.bytes\n",
        "            if entry.packed or not entry.dirty:\n                over -= entry.bytes\n",
        (f"{_SHARD}/test_read_your_writes.py",),
    ),
    Build(
        7, "an owner that lost its epoch still answers reads", "actors/shard/turning.py",
        "                await parts.writer.short(parts.store.journal.confirm)\n", "",
        (f"{_SHARD}/test_turns.py",),
    ),
)

_CONSENT: Final = (
    Build(
        8, "the consent gate lets everybody through", "models/arbitration/gates.py",
        "    alive = alive if consents(channel, profile) else nobody\n", "",
        (f"{_TURN}/test_decisions.py::test_withdrawn_consent_binds_the_very_next_decision",),
    ),
    Build(
        8, "a withdrawal leaves the older consent", "models/profile/apply.py",
        "profile.consent.update(fact.changes)", "profile.consent = {**fact.changes, **profile.consent}",
        (f"{_TURN}/test_decisions.py::test_withdrawn_consent_binds_the_very_next_decision",),
    ),
    Build(
        8, "gates judged with consent serve who withdrew it", "models/arbitration/funnel.py",
        "control is not None, consents(channel, profile),", "control is not None, True,",
        (f"{_TURN}/test_decisions.py::test_withdrawn_consent_binds_the_very_next_decision",),
    ),
)

_NOBODY_IS_WAITED_FOR: Final = (
    Build(
        9, "a decision asks the coordinator first", "actors/profile_shard.py",
        "        replies = await self._answers(commands, traces)\n",
        "        await self._sync.once()\n        replies = await self._answers(commands, traces)\n",
        (f"{_SHARD}/test_nobody_is_waited_for.py",),
    ),
    Build(
        9, "a scorer that says nothing is waited for", "actors/shard/scorer_client.py",
        "loop.call_later(wait_ms / 1_000, _end, over)", "loop.call_later(3_600.0, _end, over)",
        (f"{_SHARD}/test_nobody_is_waited_for.py",),
    ),
    Build(
        9, "the scorer gets the whole deadline, so the answer comes too late", "actors/shard/turning.py",
        "now_ms + left_ms / 2 for", "now_ms + left_ms for",
        (f"{_SHARD}/test_nobody_is_waited_for.py",),
    ),
    Build(
        9, "every wave of a turn waits for the scorer anew", "actors/shard/turning.py",
        "until_ms - parts.clock.real_ms())", "self._scorer_until_ms(commands) - parts.clock.real_ms())",
        (f"{_SHARD}/test_nobody_is_waited_for.py::test_the_waves_of_a_turn_share_the_scorers_part_of_the_deadline",),
    ),
    Build(
        9, "every decision pays for a dead scorer", "actors/shard/scorer_client.py",
        "if (self._standings.failed(version, error) or gone) and", "if gone and",
        (f"{_SHARD}/test_scorer_client.py::test_a_scorer_that_fails_is_left_alone_until_a_probe_succeeds[gone]",),
    ),
)

_MEMORY: Final = (
    Build(
        10, "nobody leaves memory", "actors/shard/residency.py",
        "over = self.bytes - self._bytes_max", "over = 0",
        (f"{_SHARD}/test_bounded_memory.py",),
    ),
    Build(
        10, "unpacked profiles stay unpacked", "actors/shard/residency.py",
        "while len(self._hot) > self._hot_max:", "while len(self._hot) > 10 * self._hot_max:",
        (f"{_SHARD}/test_residency.py",),
    ),
    Build(
        10, "keys stay in memory after a checkpoint", "actors/shard/checkpointing.py",
        "            while parts.core.forget_keys(limits.FORGET_KEYS):\n", "            while False:\n",
        (f"{_SHARD}/test_bounded_memory.py",),
    ),
    Build(
        10, "a standby keeps what the owner's checkpoints cover", "actors/shard/following.py",
        "        parts.core.forget_until(covered)\n", "",
        (f"{_MOVES}/test_following.py::test_what_a_checkpoint_of_the_owner_covers_is_held_no_longer",),
    ),
    Build(
        10, "lists of rows stay in memory after a checkpoint", "actors/shard/checkpointing.py",
        "            parts.recent_rows.forget()\n", "",
        (f"{_SHARD}/test_bounded_memory.py",),
    ),
)

BUILDS: Final = (
    *_NEVER_LOST, *_CONTACT_POLICIES, *_BUDGETS, *_IDEMPOTENCY, *_REEXECUTION, *_LOOKS, *_READ_YOUR_WRITES, *_CONSENT,
    *_NOBODY_IS_WAITED_FOR, *_MEMORY, *LEARNING, *CONSOLE,
)
