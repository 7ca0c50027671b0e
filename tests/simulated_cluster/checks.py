"""What must hold of a cluster's logs and of what its clients were told. Logs are read as bytes; nothing is asked."""

from __future__ import annotations

from collections import Counter
from typing import Any

from simulation.counted import recount
from simulation.oracle import check_budgets, check_journal
from simulation.shard import Row

from actors.journal import seal
from actors.journal.rows import unpack_row
from actors.stores.wrapping import WrappingKeys
from models import canonical
from models.coordination import facts as coordination
from models.experiments.counting import Tally, from_row
from models.profile.facts import Decided, Erased, EventApplied, OutcomeApplied, from_wire
from models.turn import shard_facts
from models.turn.commands import DECISION, ERASE, EVENT, OUTCOME, PROFILE
from models.turn.keys import ID_FIELD
from models.turn.replay import Fold
from models.turn.shard_state import ShardState
from simulated_cluster.clients import Answered
from simulated_cluster.installation import BareMaster
from simulated_cluster.tables import Tables

#: (customer, kind, id) -> the generations in which it had an effect, and what was logged with it.
Effects = dict[tuple[bytes, str, str], list[tuple[int, Any]]]


def rows_of(tables: Tables, keys: Tables) -> list[Row]:
    """A shard's log in the clear: erased customers too, for the simulated keyring forgets nothing."""
    wrapping = WrappingKeys("", BareMaster(), keys.wrapping.get, lambda _, wrapped: wrapped)
    secrets = {owner: wrapping.unwrap(key.month, *owner, key.wrapped) for owner, key in keys.attic.items()}
    rows = []
    for row in tables.every_row():
        turn = unpack_row(row.payload)
        segments = [
            (part.customer, part.generation, part.public, [from_wire(wire) for wire in canonical.unpack(seal.unseal(
                secrets[part.customer, part.generation], seal.SEGMENT, part.customer, part.generation, part.sealed
            ))])
            for part in turn.segments
        ]
        rows.append(Row(row.seq, turn.now_ms, [shard_facts.from_wire(wire) for wire in turn.shard_facts], segments))
    return rows


def check_lineage(tables: Tables) -> None:
    """One line of epochs: whoever appended held the newest epoch of that moment, and rows follow one another."""
    rows = tables.every_row()
    assert [row.seq for row in rows] == list(range(1, len(rows) + 1)), "the log has a gap"
    taken = sorted(tables.lineage)
    assert len({epoch for epoch, _, _ in taken}) == len(taken), "two owners had one epoch"
    newest, at = 0, 0
    for row in rows:
        while at < len(taken) and taken[at][1] < row.seq:
            newest, at = taken[at][0], at + 1
        assert row.epoch == newest, f"row {row.seq} is of epoch {row.epoch}, while {newest} owned the journal"


def check_shard(rows: list[Row]) -> dict[tuple[str, str], tuple[int, int, int]]:
    """Contacts within every policy, units within every grant, after every row; (held, spent, unfunded) at the end."""
    check_journal(rows)
    now_ms = 0
    for row in rows:
        assert row.now_ms >= now_ms, f"the clock of row {row.seq} went back"
        now_ms = row.now_ms
    return check_budgets(rows)


def check_coordinator(tables: Tables) -> dict[tuple[int, str, str], int]:
    """Granted within every cap after every row; returns the grants: (shard, budget, period) -> units ever."""
    granted: dict[tuple[int, str, str], int] = {}
    returned: dict[tuple[int, str, str], int] = {}
    caps: dict[str, int] = {}
    before: Counter[tuple[str, str]] = Counter()
    for row in tables.every_row():
        for wire in canonical.unpack(row.payload)["f"]:
            fact = coordination.from_wire(wire)
            if isinstance(fact, coordination.CapSet):
                caps[fact.budget] = fact.cap
            elif isinstance(fact, coordination.GrantMade):
                place = (fact.shard, fact.budget, fact.period)
                assert fact.total >= granted.get(place, 0), f"a grant of {place} shrank"
                granted[place] = fact.total
            elif isinstance(fact, coordination.ReturnCredited):
                returned[fact.shard, fact.budget, fact.period] = fact.total
        out: Counter[tuple[str, str]] = Counter()
        for (shard, budget, period), units in granted.items():
            assert returned.get((shard, budget, period), 0) <= units
            out[budget, period] += units - returned.get((shard, budget, period), 0)
        for name, units in out.items():
            assert units <= max(caps[name[0]], before[name]), f"{name}: {units} out after row {row.seq}"
        before = out
    return granted


def check_grants(shard: int, rows: list[Row], granted: dict[tuple[int, str, str], int]) -> None:
    """No shard has logged a grant that the coordinator did not."""
    for row in rows:
        for fact in row.shard_facts:
            if isinstance(fact, shard_facts.Granted):
                most = granted.get((shard, fact.budget, fact.period), 0)
                assert fact.total <= most, f"row {row.seq} of shard {shard} has {fact.total} units, granted were {most}"


def counted_by(tables: Tables) -> dict[int, dict[tuple[str, str], Tally]]:
    """Shard -> what the coordinator logged last of each variant there, which only ever grows."""
    found: dict[int, dict[tuple[str, str], Tally]] = {}
    for row in tables.every_row():
        for wire in canonical.unpack(row.payload)["f"]:
            fact = coordination.from_wire(wire)
            if isinstance(fact, coordination.ExperimentsCounted):
                for key, tally in map(from_row, fact.rows):
                    before = found.setdefault(fact.shard, {}).get(key)
                    assert before is None or before.steps < tally.steps, f"the count of {key} went back"
                    found[fact.shard][key] = tally
    return found


def check_experiments(shard: int, rows: list[Row], counted: dict[int, dict[tuple[str, str], Tally]]) -> None:
    """The coordinator knows exactly what the log tells."""
    expected = {key: Tally(*(sums[name] for name in Tally._fields)) for key, sums in recount(rows).items()}
    assert counted.get(shard, {}) == expected, f"shard {shard}: {counted.get(shard)} is not {expected}"


def check_reexecution(shard: int, rows: list[Row]) -> None:
    """Every decision again, from the first row of the log: the same bytes, whatever role changed when."""
    fold = Fold(ShardState(shard), {})
    for row in rows:
        customers = [(customer, generation, facts) for customer, generation, _, facts in row.segments]
        for met in fold.row(row.now_ms, row.shard_facts, customers):
            assert met.reexecute().equals(met.fact), f"decision {met.fact.decision_id} comes out otherwise"


def effects_of(rows: list[Row]) -> Effects:
    found: Effects = {}
    for row in rows:
        for customer, generation, _, facts in row.segments:
            for fact in facts:
                for kind, name, logged in _named(fact):
                    found.setdefault((customer, kind, name), []).append((generation, logged))
    return found


def _named(fact: Any) -> list[tuple[str, str, Any]]:
    if isinstance(fact, EventApplied):
        return [(EVENT, fact.event_id, fact)]
    if isinstance(fact, OutcomeApplied):
        return [(OUTCOME, fact.outcome_id, fact)]
    if isinstance(fact, Decided):
        return [(DECISION, fact.request_id, fact)]
    return [(ERASE, fact.receipt, fact)] if isinstance(fact, Erased) else []


def check_effects(effects: Effects) -> None:
    for place, found in effects.items():
        generations = [generation for generation, _ in found]
        assert len(set(generations)) == len(generations), f"{place[1]} {place[2]} had its effect twice"


def check_answers(history: list[Answered], effects: Effects, erased: set[bytes]) -> None:
    """What was acknowledged is in the logs, once, and every repetition was told the same."""
    told: dict[tuple[bytes, str, str], Any] = {}
    for answered in history:
        command, body = answered.command, answered.body
        if answered.reply.status != 200:
            continue
        if command.kind == ERASE:
            if body["time"] is not None:
                assert (command.customer, ERASE, body["receipt"]) in effects, "an acknowledged erasure is lost"
            continue
        if command.kind not in (EVENT, OUTCOME, DECISION) or body.get("dry_run") or body.get("status") == "rejected":
            continue
        if command.kind == DECISION and body["decision_id"] is None:
            continue
        place = (command.customer, command.kind, str(command.body[ID_FIELD[command.kind]]))
        found = effects.get(place)
        assert found, f"the acknowledged {place[1]} {place[2]} is lost"
        if command.kind == DECISION:
            assert any(fact.reply == answered.reply.body for _, fact in found), f"{place[2]} was answered otherwise"
        if command.customer not in erased:
            same = {name: value for name, value in body.items() if name != "status"}
            assert told.setdefault(place, same) == same, f"{place[2]} was answered {told[place]}, then {same}"


def check_versions(history: list[Answered], erased: set[bytes]) -> None:
    """Who asks after somebody heard of a version is never told of an older one."""
    seen: set[tuple[bytes, str, str]] = set()
    heard: dict[bytes, list[tuple[float, int]]] = {}
    for answered in sorted(history, key=lambda one: one.sent):
        command = answered.command
        place = (command.customer, command.kind, str(command.body.get(ID_FIELD.get(command.kind, ""), "")))
        is_repeated = bool(place[2]) and place in seen
        seen.add(place)
        if command.customer in erased:
            continue
        version = answered.body.get("state_version") if answered.reply.status == 200 else None
        if command.kind == PROFILE and answered.reply.status == 404:
            version = 0
        if version is None:
            continue
        known = heard.setdefault(command.customer, [])
        if not is_repeated and answered.body.get("status") != "duplicate":
            newest = max((number for when, number in known if when < answered.sent), default=0)
            assert version >= newest, f"{command.kind} {place[2]} told version {version} after {newest} was told"
        known.append((answered.heard, version))
