"""Complete Journey as the demo reads it, on the real files: the figures that are known of them, and their traps."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from cluster.demo import mailings, stages
from cluster.demo.catalog import scorer_features
from cluster.demo.journey import ZONE, Journey, data_folder, local_day
from cluster.demo.schedule import STEP_HOURS, schedule
from cluster.history_file import pages
from models import limits
from models.profile import features
from models.profile.apply import apply
from models.profile.facts import AttributesChanged, Born, EventApplied
from models.scoring.matrix import Layout
from models.times import parse_time_ms


def test_the_known_figures_are_found(journey: Journey) -> None:
    homes = journey.households.values()
    assert len(journey.campaigns) == 27
    assert len(homes) == 1_559
    assert sum(len(home.campaigns) for home in homes) == 6_589
    assert sum(len(home.redeemed_ms) for home in homes) == 792


def test_every_redemption_lies_within_its_campaign(journey: Journey) -> None:
    for home in journey.households.values():
        for id_, at_ms in home.redeemed_ms.items():
            assert journey.campaigns[id_].mailed_ms <= at_ms < journey.campaigns[id_].closed_ms


def test_a_basket_holds_the_sums_of_its_lines_whatever_the_order_of_the_file(journey: Journey) -> None:
    table = pq.read_table(data_folder() / "transactions.parquet", columns=["basket_id", "sales_value", "household_id"])
    lines = {name: table.column(name).to_numpy() for name in table.column_names}
    baskets = {basket.id: basket for home in journey.households.values() for basket in home.baskets}
    assert len(baskets) == sum(len(home.baskets) for home in journey.households.values())
    for id_ in sorted(baskets)[:: len(baskets) // 50]:
        own = lines["basket_id"] == id_
        assert baskets[id_].properties["total"] == pytest.approx(lines["sales_value"][own].sum(), abs=0.01)
        assert baskets[id_].household == lines["household_id"][own][0]


def test_times_are_read_as_utc_so_that_shops_are_busy_by_day(journey: Journey) -> None:
    hours = [
        datetime.fromtimestamp(basket.time_ms / 1_000, ZONE).hour
        for home in list(journey.households.values())[:100] for basket in home.baskets
    ]
    assert sum(8 <= hour <= 22 for hour in hours) / len(hours) > 0.9
    assert local_day(journey.first_ms) == date(2017, 1, 1)
    assert local_day(journey.last_ms) == date(2017, 12, 31)


def test_lines_without_value_name_no_department_and_no_property_counts_fuel(journey: Journey) -> None:
    for home in list(journey.households.values())[:200]:
        for basket in home.baskets:
            assert "quantity" not in basket.properties
            assert basket.properties["lines"] or not basket.properties["departments"]
            assert all(spend > 0 for spend in basket.properties["spend"].values())


def test_the_training_campaigns_are_over_before_the_judging_ones_begin(journey: Journey) -> None:
    old = mailings.ended_before(journey, stages.CUT_OFF_MS)
    later = mailings.begun_after(journey, stages.CUT_OFF_MS)
    assert max(one.closed_ms for one in old) <= stages.CUT_OFF_MS <= min(one.mailed_ms for one in later)
    assert not {one.id for one in old} & {one.id for one in later}
    assert [one.id for one in later] == [16, 17, 18, 19]


def test_a_training_row_is_the_row_that_the_live_code_makes_for_that_moment(cast: stages.Cast) -> None:
    wanted, plan = scorer_features(), cast.plan
    campaign = cast.journey.campaigns[13]
    homes = {home.id: home for home in cast.households if 13 in home.campaigns}
    columns = mailings.mailing_columns(Journey({13: campaign}, homes), plan, wanted, [campaign])
    layout = Layout(wanted, plan)
    for row, home in enumerate(homes.values()):
        # As an import delivers it: all at once, much later, and in another order.
        now_ms = campaign.mailed_ms
        profile = apply(None, Born(home.customer_id), plan, now_ms)
        for basket in reversed([one for one in home.baskets if one.time_ms <= now_ms]):
            event = EventApplied(f"b-{basket.id}", "basket", basket.time_ms, "pos", basket.properties)
            profile = apply(profile, event, plan, now_ms)
        profile = apply(profile, AttributesChanged(dict(home.attributes)), plan, now_ms)
        vector = layout.customer_vector(features.read(profile, plan, now_ms).record(), "email", now_ms)
        learnt = np.array([columns[name][row] for name in layout.customer_features], np.float32)
        np.testing.assert_allclose(learnt, vector, rtol=1e-6)
        assert columns["label"][row] == (13 in home.redeemed_ms)


def test_what_happens_after_a_mailing_does_not_change_its_row(cast: stages.Cast) -> None:
    wanted, campaign = scorer_features(), cast.journey.campaigns[8]
    homes = {home.id: home for home in cast.households if 8 in home.campaigns}
    cut = {
        id_: type(home)(home.id, home.attributes, tuple(b for b in home.baskets if b.time_ms <= campaign.mailed_ms),
                        home.campaigns, home.redeemed_ms)
        for id_, home in homes.items()
    }
    whole = mailings.mailing_columns(Journey({8: campaign}, homes), cast.plan, wanted, [campaign])
    early = mailings.mailing_columns(Journey({8: campaign}, cut), cast.plan, wanted, [campaign])
    for name in wanted:
        np.testing.assert_array_equal(whole[name], early[name])


def test_the_same_households_are_drawn_every_time_and_fewer_are_among_more(journey: Journey) -> None:
    few, more = (stages.cast(journey, count) for count in (10, 30))
    assert {home.id for home in few.households} < {home.id for home in more.households}
    assert few.catalog == stages.cast(journey, 10).catalog


def test_every_basket_and_mailing_after_the_cut_off_is_played_once_and_never_late(cast: stages.Cast) -> None:
    steps = schedule(cast.journey, cast.households, stages.CUT_OFF_MS)
    played = [basket.id for step in steps for visit in step.visits for basket in visit.baskets]
    expected = [b.id for home in cast.households for b in home.baskets if b.time_ms >= stages.CUT_OFF_MS]
    assert sorted(played) == sorted(expected)
    mailed = [(visit.home.id, one) for step in steps for visit in step.visits for one in visit.mailed]
    due = [(home.id, one) for home in cast.households for one in home.campaigns
           if cast.journey.campaigns[one].mailed_ms >= stages.CUT_OFF_MS]
    assert sorted(mailed) == sorted(due)
    for step in steps:
        assert datetime.fromtimestamp(step.at_ms / 1_000, ZONE).hour in STEP_HOURS
        for visit in step.visits:
            times = [basket.time_ms for basket in visit.baskets]
            assert times == sorted(times)
            assert all(step.at_ms - limits.EVENT_LATE_MS_MAX < at <= step.at_ms for at in times)
    assert steps[-1].at_ms - stages.CUT_OFF_MS < limits.JOURNAL_RETENTION_MS


def test_history_is_every_basket_before_the_cut_off(cast: stages.Cast, tmp_path: Path) -> None:
    path = tmp_path / "history.parquet"
    count = stages.write_history(cast, path)
    events = [json.loads(event) for page in pages(path) for event in page.events]
    assert len(events) == count == sum(
        basket.time_ms < stages.CUT_OFF_MS for home in cast.households for basket in home.baskets
    )
    assert all(parse_time_ms(event["time"]) < stages.CUT_OFF_MS for event in events)
    assert {event["customer_id"] for event in events} <= {home.customer_id for home in cast.households}
