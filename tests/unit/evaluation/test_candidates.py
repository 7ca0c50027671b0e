"""A candidate on Kairos's own journal, against what happens when the candidate really decides."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from unit.evaluation.shop import CHANCES, HOUR_MS, LEVERS, Journal, Shop, catalog, plan, trained

from cluster.evaluating_journal import Asked, candidate_of, evaluate_on_journals, read_shard
from models.catalog.check import check_data
from models.errors import BadInput
from models.evaluation.candidate import Candidate
from models.evaluation.journal import Gathering
from models.evaluation.report import Report
from models.scoring.booster import Booster

OTHER = {**LEVERS, "upgrade": 200.0, "coupon": -60.0}


class Registered:
    """A registry."""

    def __init__(self, *scorers: Booster) -> None:
        self._scorers = {one.manifest.version: one for one in scorers}

    def load(self, version: str) -> Booster:
        return self._scorers[version]


def report_of(shop: Shop, candidate_plan, **more) -> Report:
    return evaluate_on_journals(shop.journal(), candidate_of(Asked(candidate_plan), Registered()), **more)


@pytest.fixture(scope="module")
def shop() -> Shop:
    return Shop(plan(), 1).serve(1_200)


@pytest.fixture(scope="module")
def scorer() -> Booster:
    return trained()


def test_the_live_catalog_on_its_own_log_has_weights_of_one_and_earns_what_the_log_earned(shop: Shop) -> None:
    report = report_of(shop, plan())
    assert (report.rounds, report.positions) == (1_200, 2_400)
    assert report.max_weight == pytest.approx(1.0, abs=1e-6)
    assert report.ess == pytest.approx(2_400)
    assert report.logged.value == pytest.approx(shop.earned, rel=1e-12)
    for name in ("ips", "snips", "dr", "switch_dr"):
        assert report.estimates[name].value == pytest.approx(shop.earned, abs=1e-6 if "dr" not in name else 0.01), name
    assert report.verdict.word == "ok"


def test_a_candidate_is_estimated_at_what_it_earns_when_it_really_decides(shop: Shop) -> None:
    """With two positions of which the lower depends on the upper: acceptances below an upgrade are halved."""
    report = report_of(shop, plan(OTHER))
    really = Shop(plan(OTHER), 2, "d").serve(1_800)
    own = (really.earned * (1 - really.earned) / len(really.rewards)) ** 0.5
    assert abs(really.earned - shop.earned) > 5 * own, "the candidate must differ for this to say something"
    for name in ("ips", "snips", "dr", "switch_dr"):
        estimate = report.estimates[name]
        assert abs(estimate.value - really.earned) < 3 * (estimate.se**2 + own**2) ** 0.5, name
        assert estimate.se < 0.03
    assert report.verdict.word == "ok"


def test_an_action_that_was_never_logged_is_named_and_the_answer_refused(shop: Shop) -> None:
    report = report_of(shop, plan({**LEVERS, "bundle": 0.0}))
    assert report.verdict.word == "refused"
    assert "'bundle/bundle_strip'" in report.verdict.why
    assert report.overlap.never == pytest.approx(0.12 + 0.03, abs=0.03)  # of 5, then of 4, by an even share of 0.6


def test_what_the_candidate_would_never_show_weighs_nothing(shop: Shop) -> None:
    fewer = {action: lever for action, lever in LEVERS.items() if action != "coupon"}
    report = report_of(shop, plan(fewer))
    assert report.overlap.covered < 0.7
    really = Shop(plan(fewer), 3, "e").serve(1_200)
    estimate = report.estimates["snips"]
    assert abs(estimate.value - really.earned) < 3 * (estimate.se**2 + 0.01**2) ** 0.5


def test_acceptances_can_be_counted_by_their_value() -> None:
    """As reported; else what the catalog says."""
    for value, each in ((7.5, 7.5), (None, 2.0)):
        paid = Shop(plan(), 4).serve(60, value=value)
        report = report_of(paid, plan(), reward="value")
        assert report.logged.value == pytest.approx(each * paid.earned)


def test_held_out_customers_and_open_outcomes_are_left_out_and_counted() -> None:
    held = Shop(plan(control=0.3), 5).serve(400)
    report = report_of(held, plan(control=0.3))
    assert report.rounds < 350
    assert any("held out" in note for note in report.notes)
    fresh = Shop(plan(), 6).serve(20)
    fresh.shard.wall_ms -= 2 * HOUR_MS
    journal = Journal(fresh.shard)
    journal._rows = [row for row in journal._rows if row["t"] < fresh.shard.wall_ms + HOUR_MS // 2]
    with pytest.raises(BadInput, match="20 decisions whose outcome was not final yet"):
        evaluate_on_journals(journal, candidate_of(Asked(plan()), Registered()))


def test_a_request_that_the_candidate_cannot_serve_is_left_out() -> None:
    one = Shop(plan(), 7).serve(30)
    with pytest.raises(BadInput, match="30 decisions that do not fit the candidate's catalog"):
        report_of(one, plan(strip=1))


def test_positions_that_only_the_candidate_would_fill_are_said() -> None:
    """At the second position the log had nobody left but who is not eligible."""
    closed, open_ = catalog({"coupon": 0.0, "news": 0.0}), catalog({"coupon": 0.0, "news": 0.0})
    for action in closed["actions"]:
        action["eligibility"] = "profile.size < 3.0" if action["id"] == "news" else "true"
    one = Shop(check_data(closed), 9).serve(300)
    assert "would fill" not in report_of(one, check_data(closed)).verdict.why
    report = report_of(one, check_data(open_))
    assert report.verdict.word == "weak"
    assert "positions that the log left to a fallback or to nothing" in report.verdict.why


def test_more_decisions_than_are_held_are_sampled_evenly() -> None:
    one = Shop(plan(), 10).serve(400)
    gathering = Gathering(Candidate(plan(), None, (), Registered().load), most=100)
    now_ms = read_shard(one.journal(), 0, gathering)
    log, _ = gathering.finish(now_ms)
    assert 50 <= log.rounds <= 100
    assert gathering.left_out["sampled"] == 400 - log.rounds
    assert abs(log.reward.mean() - sum(CHANCES.values()) / 4) < 0.2


def test_a_scorer_is_estimated_at_what_it_earns_when_it_really_scores(shop: Shop, scorer: Booster) -> None:
    candidate = candidate_of(Asked(scorer=scorer.manifest.version), Registered(scorer))
    report = evaluate_on_journals(shop.journal(), candidate)
    really = Shop(plan(), 11, "f", scorer).serve(1_200)
    own = (really.earned * (1 - really.earned) / len(really.rewards)) ** 0.5
    assert really.earned > shop.earned + 2 * own
    for name in ("ips", "snips", "dr", "switch_dr"):
        estimate = report.estimates[name]
        assert abs(estimate.value - really.earned) < 3 * (estimate.se**2 + own**2) ** 0.5, name
    scored = Shop(plan(), 12, "g", scorer).serve(100)
    same = evaluate_on_journals(scored.journal(), candidate)
    assert same.max_weight == pytest.approx(1.0, abs=1e-6)
    unchanged = evaluate_on_journals(scored.journal(), candidate_of(Asked(plan()), Registered()))
    assert unchanged.max_weight == pytest.approx(1.0, abs=1e-6), "scored as logged, without the scorer's file"


def test_a_scorer_reads_the_evidence_that_it_reads_in_a_turn() -> None:
    """That of the catalog, also of customers whose variant weighs evidence otherwise."""
    variants = [
        {"id": "as_is", "weight": 0}, {"id": "sure", "weight": 1, "arbitration": {"evidence": {"prior": 0.5}}},
    ]
    told = catalog(experiments=[{"id": "priors", "share": 1.0, "variants": variants}])

    class Reading:
        manifest = SimpleNamespace(
            version="reading", features=("action.evidence",), actions={},
            to_wire=lambda: {"features": ["action.evidence"]},
        )

        def __init__(self) -> None:
            self.read: set[float] = set()

        def predict(self, matrix: Any) -> Any:
            self.read |= set(matrix.ravel().tolist())
            return matrix[:, 0]

    live, again = Reading(), Reading()
    shop = Shop(check_data(told), 5, "r", live).serve(3)
    renamed = check_data(told | {"name": "another"})
    evaluate_on_journals(shop.journal(), Candidate(renamed, "reading", (), lambda _: again))
    assert again.read == live.read != set()


def test_a_scorer_that_does_not_fit_the_catalog_is_refused_with_the_difference(scorer: Booster) -> None:
    fewer = plan({"coupon": 0.0, "news": 0.0})
    with pytest.raises(BadInput, match="upgrade"):
        candidate_of(Asked(fewer, scorer.manifest.version), Registered(scorer))


def test_a_scorer_of_a_target_is_refused_since_it_predicts_no_acceptance() -> None:
    of_target: Any = SimpleNamespace(manifest=SimpleNamespace(version="xgb-churn", target="churn", features=()))
    with pytest.raises(BadInput, match="target 'churn'"):
        candidate_of(Asked(scorer="xgb-churn"), Registered(of_target))
    with pytest.raises(BadInput, match="target 'churn'"):
        candidate_of(Asked(plan(), "xgb-churn"), Registered(of_target))
