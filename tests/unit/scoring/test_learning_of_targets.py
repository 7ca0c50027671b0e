"""Targets are learnt from journals: rows as of then, labels of what followed, and scorers that find a known truth."""

from __future__ import annotations

import random
from functools import cache
from typing import Any

import numpy as np
import pytest
from unit.scoring.lives import START_MS, Row, born, contact, key, life, plan, read, rows_of, visit

from models.errors import BadInput
from models.limits import DAY_MS, SNAPSHOTS_PER_CUSTOMER_MAX
from models.profile import features
from models.profile.apply import apply
from models.profile.facts import Erased
from models.profile.state import Profile
from models.scoring.booster import Booster
from models.scoring.matrix import Layout
from models.scoring.rows import Rows
from models.scoring.target_rows import TargetReader, target_rows
from models.scoring.targets import Question, refusals, target_features
from models.scoring.training import train


def taught(target: str, *rows: Row, **changes: Any) -> Rows:
    under = plan(**changes)
    return target_rows(under.targets[target], under, [read(target, under, rows)])


def at(day: float, *facts: Any, number: int = 0) -> Row:
    return START_MS + round(day * DAY_MS), [(key(number), list(facts))]


def day_of(rows: Rows) -> list[float]:
    return [round((int(time_ms) - START_MS) / DAY_MS, 2) for time_ms in rows.time_ms]


def said(day: float, total: float = 10.0, source: str = "") -> Any:
    return visit(START_MS + round(day * DAY_MS), total, source)


def test_a_look_knows_what_was_before_it_and_is_labelled_by_what_followed() -> None:
    # A window of 7 days: a look every 1.75 days, on the grid of this customer's key.
    rows = taught("churn_risk", at(0, *born(0, age=30.0)), at(1, said(1)), at(2, said(2)), at(20, said(20)))
    assert rows.features == ("profile.visits_28d", "attribute.age", "attribute.staff")
    looks = day_of(rows)
    assert np.diff(looks).round(2).tolist() == pytest.approx([1.75] * (len(looks) - 1), abs=0.011)
    assert looks[-1] <= 13 < looks[-1] + 1.75, "only looks whose window has ended"
    known = [float(sum(day < look for day in (1, 2))) for look in looks]
    assert np.nan_to_num(rows.matrix[:, 0]).tolist() == known
    came = [any(look <= day < look + 7 for day in (1, 2, 20)) for look in looks]
    assert rows.label.tolist() == [int(not any_) for any_ in came]
    assert (rows.label_time_ms - rows.time_ms == 7 * DAY_MS).all()


def test_the_features_of_a_look_are_those_that_serving_had_then() -> None:
    facts = [at(0, *born(0, age=30.0, staff=True)), *(at(day, said(day, total=day)) for day in range(1, 60, 3))]
    under = plan()
    reader = read("worth", under, facts)
    rows = target_rows(under.targets["worth"], under, [reader])
    question = Question(under.targets["worth"], Layout(target_features(under.targets["worth"], under), under), under)
    for time_ms, row in zip(rows.time_ms.tolist(), rows.matrix, strict=True):
        profile: Profile | None = None
        for now_ms, ((_, part),) in facts:
            for fact in part if now_ms < time_ms else ():
                profile = apply(profile, fact, under, now_ms)
        assert profile is not None
        served = question.rows([features.read(profile, under, time_ms).record()], time_ms)
        assert served.tobytes() == row.tobytes()


def test_amounts_are_added_up_and_days_counted_to_the_next_one() -> None:
    life = (at(0, *born(0)), at(3, said(3, total=5.0)), at(4, said(4, total=2.5)), at(30, said(30)))
    worth = taught("worth", *life)
    amounts = [sum(total for day, total in ((3, 5.0), (4, 2.5)) if look <= day < look + 14) for look in day_of(worth)]
    assert worth.label.tolist() == amounts
    assert {0.0, 7.5} <= set(amounts)
    days = taught("next_visit", *life)
    waits = [min([day - look for day in (3, 4, 30) if day >= look] + [14.0]) for look in day_of(days)]
    assert days.label.tolist() == pytest.approx([min(wait, 14.0) for wait in waits], abs=0.01)


def test_an_hour_is_a_local_one_and_a_row_each_is_asked() -> None:
    morning = [at(day + 13 / 24, said(day + 13 / 24)) for day in range(1, 20)]
    rows = taught("best_hour", at(0, *born(0)), *morning)
    assert rows.features[-1] == "time.hour"
    assert len(rows) % 24 == 0
    assert {(int(hour), int(label)) for hour, label in zip(rows.matrix[:, -1], rows.label, strict=True) if label} == {
        (9, 1),
    }, "13:00 UTC is 9 o'clock in New York"


def test_a_channel_is_a_row_where_the_customer_was_contacted_on_it() -> None:
    shown = [
        *contact(0, START_MS + 2 * DAY_MS, "web", clicked=False),
        *contact(0, START_MS + 3 * DAY_MS, "app", clicked=True),
    ]
    rows = taught(
        "best_channel", at(0, *born(0)), *((now_ms, [(key(0), facts)]) for now_ms, facts in shown), at(30, said(30))
    )
    app, web = rows.features.index("channel.app"), rows.features.index("channel.web")
    found = {(row[app], row[web], label) for row, label in zip(rows.matrix.tolist(), rows.label.tolist(), strict=True)}
    assert found == {(1.0, 0.0, 1), (0.0, 1.0, 0)}
    assert (rows.label_time_ms - rows.time_ms == 14 * DAY_MS).all()


def test_an_imported_history_teaches_as_if_it_had_been_lived() -> None:
    days = [*range(1, 16, 3), *range(30, 42, 3)]
    lived = (at(0, *born(0, age=30.0)), *(at(day, said(day)) for day in days))
    imported_ms = START_MS + 400 * DAY_MS
    history = [said(day, source="old") for day in days]
    imported = [(imported_ms, [(key(0), [born(0)[0], visit(START_MS, source="old"), *history])])]
    as_lived, as_imported = taught("churn_risk", *lived), taught("churn_risk", *imported)
    assert as_imported.time_ms.tolist() == as_lived.time_ms.tolist(), "no look at the year of silence before the import"
    assert as_imported.label.tolist() == as_lived.label.tolist()
    assert (np.nan_to_num(as_imported.matrix[:, 0]) - np.nan_to_num(as_lived.matrix[:, 0])).max() <= 1


def test_the_erased_teach_nothing_and_looks_are_bounded() -> None:
    forgotten = (at(0, *born(0)), at(1, said(1)), at(2, Erased("r")))
    under = plan()
    reader = read("churn_risk", under, [*forgotten, at(0, *born(1), number=1), *(
        at(day, said(day), number=1) for day in (890, 900)
    )])
    rows = target_rows(under.targets["churn_risk"], under, [reader])
    assert len(rows) == SNAPSHOTS_PER_CUSTOMER_MAX - 4
    assert set(rows.label.tolist()) <= {0, 1}


def test_a_truncated_journal_begins_with_the_customers_of_its_base() -> None:
    under = plan()
    profile = apply(apply(None, born(0)[0], under, START_MS), said(0), under, START_MS)
    reader = TargetReader(under.targets["churn_risk"])
    reader.begin(under, [(key(0), profile)])
    for row in (at(3, said(3)), at(4, said(4), number=1), at(30, said(30))):
        reader.turn(row[0], [], row[1])
    rows = target_rows(under.targets["churn_risk"], under, [reader])
    assert min(day_of(rows)) <= 1.75
    assert reader.headless == {key(1)}


@pytest.mark.parametrize(("rows", "says"), [
    ((at(0, *born(0)), at(5, said(5))), "at an instant that is 7 days past"),
    ((at(0, *born(0)), at(30, *born(0))), "at an instant that is 7 days past"),
    (tuple(at(day, *(born(0) if not day else ()), said(day)) for day in range(30)), "churn_risk' is 0 in every one of"),
])
def test_nothing_to_learn_is_said_in_words(rows: tuple[Row, ...], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        taught("churn_risk", *rows)


def test_a_customer_without_any_column_teaches_nothing() -> None:
    with pytest.raises(BadInput, match="nothing to read: declare features or attributes"):
        taught("churn_risk", at(0, *born(0)), features=[], attributes=[])


@cache
def journal(customers: int) -> list[Row]:
    rng = random.Random(5)
    return rows_of([life(number, rng, 100) for number in range(customers)])


@cache
def scorer(target: str) -> tuple[Question, Booster, dict[str, float]]:
    under = plan()
    known = under.targets[target]
    rows = target_rows(known, under, [read(target, under, journal(12 if known.predict == "hour" else 100))])
    trained = train(rows, 1, target=target, objective=known.objective)
    assert refusals(trained.manifest.to_wire(), under) == []
    question = Question(known, Layout(trained.manifest.features, under), under)
    return question, Booster(trained.model, trained.manifest), trained.manifest.metrics


def values(target: str, *records: dict[str, Any]) -> list[float | str]:
    question, booster, _ = scorer(target)
    return question.values(booster.predict(question.rows(records, 0)))


KEEN = {"visits_28d": 14.0, "age": 30.0, "staff": False}
SELDOM = {"visits_28d": 3.0, "age": 60.0, "staff": False}


def test_churn_is_recovered_from_a_known_truth() -> None:
    keen, seldom = values("churn_risk", KEEN, SELDOM)
    assert isinstance(keen, float)
    assert isinstance(seldom, float)
    assert keen == pytest.approx(0.5**7, abs=0.05)
    assert seldom == pytest.approx(0.9**7, abs=0.1)
    assert scorer("churn_risk")[2]["auc"] > 0.75


def test_worth_and_the_days_until_the_next_visit_are_recovered() -> None:
    keen, seldom = values("worth", KEEN, SELDOM)
    assert keen == pytest.approx(7 * 20.0, rel=0.15)
    assert seldom == pytest.approx(1.4 * 5.0, rel=0.3)
    soon, later = values("next_visit", KEEN, SELDOM)
    assert soon == pytest.approx(1.6, abs=0.7), "a visit on every other day, looked at at any hour"
    assert later == pytest.approx(7.2, abs=0.8), "every ten days, and never more than the 14 of the window"


def test_the_best_hour_and_the_best_channel_of_each_kind_of_customer_are_recovered() -> None:
    early, late = {**KEEN, "staff": False}, {**KEEN, "staff": True}
    assert values("best_hour", early, late) == [9.0, 21.0]
    assert values("best_channel", early, late) == ["web", "app"]
