"""What learning keeps with a customer: packed, copied, and remembered by the contact that a decision made."""

from __future__ import annotations

from dataclasses import replace

from unit.profile.building import T0, born, decided, fallback, item, only, plan

from models.profile import exposures, packing
from models.profile.apply import apply
from models.profile.learnt import Exposure, Score
from models.profile.state import Profile


def learnt() -> Profile:
    profile = born()
    profile.experiments["colour"] = Exposure("red", T0, T0 + 60_000, False, 2, 31_500_000)
    exposures.set_timers(profile)
    profile.scores["churn"] = Score(0.25, "xgb-1", T0)
    profile.scores["best_channel"] = Score("email", "xgb-2", T0 + 1)
    return profile


def test_experiments_and_scores_survive_packing() -> None:
    profile = learnt()
    assert packing.unpack(packing.pack(profile)) == packing.unpack(packing.pack_fast(profile)) == profile


def test_a_draft_changes_neither_experiments_nor_scores_of_its_origin() -> None:
    profile = learnt()
    draft = profile.copy()
    draft.experiments["colour"] = replace(draft.experiments["colour"], observed=True)
    draft.scores.clear()
    assert profile == learnt()


def test_a_contact_remembers_propensity_and_scorer_of_its_decision() -> None:
    fact = replace(decided("d1", item(propensity=0.125)), scorer_version="xgb-1", scores=b"\0\0\0\0")
    profile = apply(born(), fact, plan(), T0)
    assert (only(profile).propensity, only(profile).scorer) == (0.125, "xgb-1")
    assert packing.unpack(packing.pack(profile)) == profile


def test_a_contact_of_a_decision_without_scores_names_no_scorer() -> None:
    late = replace(decided("d1", item(propensity=0.125)), scorer_version="xgb-1", degraded=True)
    assert only(apply(born(), late, plan(), T0)).scorer is None
    scored = replace(decided("d1", fallback()), scorer_version="xgb-1", scores=b"\0\0\0\0")
    shown = only(apply(born(), scored, plan(), T0))
    assert (shown.propensity, shown.scorer) == (None, None)
