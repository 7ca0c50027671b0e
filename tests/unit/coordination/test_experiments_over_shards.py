"""Counts of experiments at the coordinator: each customer once, whatever is lost, repeated, overtaken or killed."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from unit.coordination import shop

from models.catalog.check import check_data
from models.catalog.plan import Plan
from models.coordination.commands import PublishCatalog, Sync
from models.coordination.core import CoordinatorCore
from models.coordination.experiment_views import experiment_answer, experiments_view
from models.coordination.facts import ExperimentsCounted
from models.coordination.messages import Instructions, Report
from models.coordination.state import pack_state, unpack_state
from models.experiments.counting import EMPTY, EXPOSED, ExperimentCounts, Tally, observation
from models.experiments.report import CONTRIBUTING_MIN, OBSERVATIONS_MIN
from models.turn.core import ShardCore

NOW_MS = shop.NOON_MS
VARIANTS = [{"id": "a", "weight": 1}, {"id": "b", "weight": 1}]


def plan(*experiments: dict[str, Any]) -> Plan:
    return check_data(shop.catalog() | {"experiments": list(experiments)})


def one(**changes: Any) -> dict[str, Any]:
    return {"id": "x", "share": 0.5, "variants": VARIANTS, **changes}


def coordinator(*plans: Plan) -> CoordinatorCore:
    core = CoordinatorCore(2, lambda catalog: check_data(dict(catalog)), epoch=1)
    for each in plans:
        core.handle(PublishCatalog(each), NOW_MS)
    return core


def report(shard: int, counts: ExperimentCounts, mark: int = 0, number: int = 0, epoch: int = 1) -> Report:
    """On its way over the wire."""
    said = Report(
        shard, epoch, number, "", 0, 0, 0, experiments=counts.changes_since(mark), experiments_mark=counts.mark
    )
    return Report.from_wire(shop.unpack(shop.pack(said.to_wire())))


def told(core: CoordinatorCore, *reports: Report) -> Instructions:
    for each in reports:
        reply = core.handle(Sync(each), NOW_MS).reply
    assert isinstance(reply, Instructions)
    return Instructions.from_wire(shop.unpack(shop.pack(reply.to_wire())))


def counted(**variants: Tally) -> ExperimentCounts:
    counts = ExperimentCounts()
    for variant, tally in variants.items():
        counts.add(("x", variant), tally)
    return counts


def test_what_is_durable_is_not_told_again() -> None:
    core, shard = coordinator(plan(one())), ShardCore(0)
    shard.state.experiments.add(("x", "a"), EXPOSED)
    first = shard.report(1, 1, NOW_MS)
    assert len(first.experiments) == 1
    shard.instruct(told(core, first), NOW_MS)
    assert shard.report(1, 2, NOW_MS).experiments == ()
    shard.state.experiments.add(("x", "a"), EXPOSED)
    assert len(shard.report(1, 3, NOW_MS).experiments) == 1


def test_a_shard_that_began_again_tells_all_and_nothing_counts_twice() -> None:
    core, counts = coordinator(plan(one())), counted(a=EXPOSED, b=EXPOSED)
    told(core, report(0, counts, number=5))
    told(core, report(0, counts, number=0, epoch=2))
    assert core.state.experiments.totals.of("x", "a") == EXPOSED


@given(st.data())
def test_sums_are_exact_under_repeats_reorder_losses_and_crashes(data: st.DataObject) -> None:
    core = coordinator(plan(one()))
    facts: list[Any] = [*coordinator().handle(PublishCatalog(plan(one())), NOW_MS).facts]
    counts, sent, expected = [ExperimentCounts(), ExperimentCounts()], [], EMPTY
    for number in range(data.draw(st.integers(1, 12))):
        shard = data.draw(st.integers(0, 1))
        # Values may be negative: the newest count is then not the largest.
        change = data.draw(st.sampled_from([
            EXPOSED, Tally(contacts=1), Tally(accepts=1), observation(1, -7), observation(0, 10**15),
        ]))
        counts[shard].add(("x", "a"), change)
        expected = expected.plus(change)
        sent.append(report(shard, counts[shard], number=number))
        for again in data.draw(st.lists(st.sampled_from(sent), max_size=3)):
            facts += core.handle(Sync(again), NOW_MS).facts
        if data.draw(st.booleans()):
            core = shop.replayed(facts, 2)
        if data.draw(st.booleans()):
            core.load_state(core.pack_state())
    for shard in (0, 1):
        facts += core.handle(Sync(report(shard, counts[shard], number=99)), NOW_MS).facts
    assert core.state.experiments.totals.of("x", "a") == expected
    rows = [fact for fact in facts if isinstance(fact, ExperimentsCounted)]
    assert all(fact.rows for fact in rows), "a fact that says nothing"


def test_counts_and_definitions_stay_when_the_experiment_leaves() -> None:
    core = coordinator(plan(one()))
    told(core, report(0, counted(a=EXPOSED, b=Tally(assigned=2))))
    core.handle(PublishCatalog(plan()), NOW_MS)
    state = unpack_state(pack_state(core.state))
    (listed,) = experiments_view(state)["experiments"]
    assert (listed["state"], listed["assigned"], listed["variants"]) == ("ended", 3, ["a", "b"])


def test_an_unknown_experiment_is_told_with_those_that_are_known() -> None:
    answer = experiment_answer(coordinator(plan(one())).state, "y")
    assert answer.status == 404
    assert "known: x" in answer.body["detail"]


def view(core: CoordinatorCore) -> dict[str, Any]:
    answer = experiment_answer(core.state, "x")
    assert answer.status == 200
    return answer.body


def of_many(count: int, accepting: int) -> Tally:
    return Tally(assigned=count, contacts=count, accepts=accepting, observed=count, accepts_sum=accepting,
                 accepts_squares=accepting)


def test_a_lift_that_is_there_is_decided_and_one_that_is_not_stays_open() -> None:
    core = coordinator(plan(one(variants=[*VARIANTS, {"id": "c", "weight": 1}, {"id": "d", "weight": 1}])))
    told(core, report(0, counted(
        a=of_many(5_000, 500), b=of_many(5_000, 800), c=of_many(5_000, 300), d=of_many(5_000, 510)
    )))
    control, *others = view(core)["variants"]
    assert (control["control"], control["lift"], control["decided"], control["mean"]) == (True, None, None, 0.1)
    assert [variant["decided"] for variant in others] == ["better", "worse", "not yet"]
    for variant, lift in zip(others, (0.06, -0.04, 0.002), strict=True):
        low, high = variant["lift"]["absolute"]["ci"]
        assert low < variant["lift"]["absolute"]["value"] < high
        assert abs(variant["lift"]["absolute"]["value"] - lift) < 1e-9
        assert abs(variant["lift"]["relative"]["value"] - lift / 0.1) < 1e-9
    assert view(core)["alpha_per_comparison"] == 0.05 / 3
    assert not view(core)["sample_ratio"]["alarm"]


def test_too_few_get_no_interval() -> None:
    for count, accepting in ((OBSERVATIONS_MIN - 1, 60), (5_000, CONTRIBUTING_MIN - 1)):
        core = coordinator(plan(one()))
        told(core, report(0, counted(a=of_many(count, accepting), b=of_many(count, accepting))))
        assert view(core)["variants"][1]["lift"] is None
        assert view(core)["variants"][1]["decided"] == "not yet"


def test_value_is_told_in_the_unit_in_which_it_is_reported() -> None:
    core = coordinator(plan(one(metric="value")))
    told(core, report(0, counted(a=observation(1, 2_500_000).plus(observation(0, 0)))))
    assert view(core)["variants"][0]["mean"] == 1.25


def test_customers_that_do_not_fit_the_weights_are_an_alarm() -> None:
    core = coordinator(plan(one()))
    told(core, report(0, counted(a=Tally(assigned=5_000), b=Tally(assigned=4_000))))
    ratio = view(core)["sample_ratio"]
    assert ratio["alarm"]
    assert ratio["p_value"] < 0.001
    assert "5000 : 4000 customers do not fit weights of 1 : 1" in ratio["why"]
    assert experiments_view(core.state)["experiments"][0]["alarm"]


def test_what_a_catalog_changed_while_it_ran_is_said() -> None:
    core = coordinator(plan(one()))
    told(core, report(0, counted(a=Tally(assigned=5_000), b=Tally(assigned=4_000))))
    core.handle(PublishCatalog(plan(one(variants=[{"id": "a", "weight": 9}, VARIANTS[1]], observe="2d"))), NOW_MS)
    found = view(core)
    assert (found["sample_ratio"]["e_value"], found["sample_ratio"]["alarm"]) == (None, False)
    assert len(found["notes"]) == 2
    core.handle(PublishCatalog(plan(one(share=0.1))), NOW_MS)
    assert len(view(core)["notes"]) == 2, "what was mixed stays mixed"


def test_an_experiment_that_left_and_came_back_says_so_when_it_had_customers() -> None:
    core = coordinator(plan(one()), plan(), plan(one()), plan(one(share=0.1)))
    assert view(core)["notes"] == [], "nobody had been exposed"
    told(core, report(0, counted(a=EXPOSED)))
    core.handle(PublishCatalog(plan()), NOW_MS)
    assert view(core)["notes"] == []
    core.handle(PublishCatalog(plan(one())), NOW_MS)
    (note,) = view(core)["notes"]
    assert "left the catalog and came back" in note
    core.load_state(core.pack_state())
    assert view(core)["notes"] == [note]


def test_a_share_that_changes_mixes_nothing() -> None:
    core = coordinator(plan(one()))
    told(core, report(0, counted(a=EXPOSED)))
    core.handle(PublishCatalog(plan(one(share=0.9))), NOW_MS)
    assert view(core)["notes"] == []


def test_a_variant_that_left_is_still_told() -> None:
    core = coordinator(plan(one()))
    told(core, report(0, counted(a=EXPOSED, b=EXPOSED)))
    core.handle(PublishCatalog(plan(one(variants=[VARIANTS[0], {"id": "c", "weight": 1}]))), NOW_MS)
    assert [(v["id"], v["weight"], v["assigned"]) for v in view(core)["variants"]] == [
        ("a", 1, 1), ("c", 1, 0), ("b", None, 1),
    ]


def test_values_that_no_outcome_reports_are_said_to_be_missing() -> None:
    core = coordinator(plan(one(metric="value")))
    told(core, report(0, counted(a=observation(1, 0), b=observation(0, 0))))
    (note,) = experiment_answer(core.state, "x").body["notes"]
    assert "no outcome reported a value" in note
    told(core, report(1, counted(a=observation(1, 2_500_000))))
    assert experiment_answer(core.state, "x").body["notes"] == []
