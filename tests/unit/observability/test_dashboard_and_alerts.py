"""Dashboard and alerts speak of metrics that a live installation exposes, by labels that these have."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from ruamel.yaml import YAML
from support.in_process import InProcess
from unit.observability.promql import RATES, Malformed, Selected, parse
from unit.scoring.scoring_catalog import catalog
from unit.scoring.test_promotion_of_scorers import START_MS

from actors import naming
from actors.insight_actor import Insight
from actors.metrics.family import Family
from actors.metrics.of_console import CONSOLE
from actors.metrics.of_coordinator import COORDINATOR
from actors.metrics.of_gateway import GATEWAY, SEEN
from actors.metrics.of_insight import INSIGHT
from actors.metrics.of_shard import DRIFT, DRIFT_MOST, SHARD
from cluster.console.figures import Figures
from cluster.console.telling import told

HERE = Path(__file__).resolve().parents[3] / "cluster"
DASHBOARD: dict[str, Any] = json.loads((HERE / "observability" / "dashboard.json").read_text())
ALERTS: dict[str, Any] = YAML(typ="safe").load((HERE / "observability" / "alerts.yaml").read_text())
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]
DECLARED: dict[str, tuple[Family, tuple[str, ...]]] = {
    series: (family, (*whose, *family.labels, *(("le",) if series.endswith("_bucket") else ())))
    for families, whose in (
        (GATEWAY, ("gateway",)), (SHARD, ("shard",)), (COORDINATOR, ()), (INSIGHT, ()), (CONSOLE, ("console",)),
        (SEEN, ()),
    )
    for family in families.values() for series in family.exposed
}


def targets() -> Iterator[tuple[str, str]]:
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]
    for note in DASHBOARD["annotations"]["list"]:
        yield note["name"], note["expr"]


#: Each with few values, whoever calls and whatever is asked.
LABELS = {
    "application", "call", "code", "console", "gateway", "kind", "lane", "le", "page", "reason", "shard", "stage",
    "state", "status",
}
#: Bounded by the monitor of scorers: ``limits.MONITOR_*``.
WATCHED = {"scorer", "action", "channel", "feature"}
EXPRESSIONS = [*targets(), *((rule["alert"], rule["expr"]) for rule in RULES)]


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What a gateway over shards, a coordinator, Insight and a console exposes after a few calls."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        return asyncio.run(exposed(tmp_path_factory.mktemp("metrics"), monkeypatch))


async def exposed(place: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    kairos = InProcess(place, START_MS, monkeypatch, 2)
    await kairos.start()
    settings = {"store": "sqlite", "data_dir": str(place), "shards": 2}
    kairos.insight_actor = insight = Insight(settings, call=kairos.shard)
    kairos.services.serving = serving
    headers = {"authorization": f"Bearer {kairos.key}"}
    async with httpx.AsyncClient(transport=kairos.transport(), base_url="http://kairos", headers=headers) as client:
        await client.put("/v1/catalog", json=catalog())
        while (await client.get("/readyz")).status_code != 200:  # noqa: ASYNC110
            await asyncio.sleep(0)
        for customer in range(8):
            asked = {"customer_id": f"c-{customer}", "channel": "web", "placements": [{"id": "hero"}]}
            assert (await client.post("/v1/decisions", json=asked)).status_code == 200
        assert (await client.get("/v1/status", headers={"authorization": "Bearer nonsense"})).status_code == 401
        page = Figures(lambda: 0.0)
        page.answered({}, 200, 0.01)
        assert await told(page, "c1", partial(kairos.insight, "console"))
        while "kairos_insight_up 1.0" not in (text := (await client.get("/metrics")).text):  # noqa: ASYNC110
            await asyncio.sleep(0)
    await insight.stop()
    await kairos.stop()
    return text


async def serving() -> list[dict[str, Any]]:
    return [{"application": application, "deployment": "", "state": "healthy", "running": 1, "replicas": 1}
            for application in (naming.GATEWAY_APP, naming.CONSOLE_APP)]


def test_every_declared_family_is_exposed_with_its_help_and_its_labels(live: str) -> None:
    shown = {family.name: family for family in text_string_to_metric_families(live)}
    assert set(shown) == {family.name for family, _ in DECLARED.values()}
    for family in shown.values():
        declared = DECLARED[f"{family.name}_total" if family.type == "counter" else
                            f"{family.name}_bucket" if family.type == "histogram" else family.name][0]
        assert (family.type, family.documentation) == (declared.kind, declared.help)
        for sample in family.samples:
            assert set(sample.labels) == set(DECLARED[sample.name][1]), sample


def test_everybody_tells_something_of_every_family(live: str) -> None:
    shown = {family.name: family.samples for family in text_string_to_metric_families(live)}
    silent = {name for name in (*SHARD, *COORDINATOR, *INSIGHT, *CONSOLE, *SEEN) if not shown[name]}
    assert silent == {DRIFT.name, DRIFT_MOST.name}, "without a scorer no feature drifts; of all else something is told"
    assert {sample.labels["shard"] for sample in shown["kairos_shard_epoch"]} == {"0", "1"}


def test_names_are_in_base_units_and_say_so() -> None:
    for family, labels in DECLARED.values():
        assert re.fullmatch(r"kairos_[a-z_]+", family.name)
        assert not re.search(r"_(ms|millis|kb|mb|total|count|sum|bucket)$", family.name), family.name
        assert family.kind != "histogram" or family.name.endswith(("_seconds", "_commands")), family.name
        assert set(labels) <= LABELS | WATCHED


@pytest.mark.parametrize(("where", "expression"), EXPRESSIONS, ids=[where for where, _ in EXPRESSIONS])
def test_an_expression_selects_what_exists_by_labels_that_it_has(live: str, where: str, expression: str) -> None:
    parsed = parse(expression)
    assert parsed.series
    values = label_values(live)
    for one in parsed.series:
        assert one.metric in DECLARED, f"{where}: nobody exposes {one.metric}"
        family, labels = DECLARED[one.metric]
        assert {*one.matchers, *parsed.grouped} <= set(labels), f"{where}: {one.metric} has the labels {labels}"
        assert_counted_as_such(one, family)
        for label, (operator, value) in one.matchers.items():
            known = values.get((one.metric, label))
            if known and operator == "=":
                assert value in known, f"{where}: {label} of {one.metric} is one of {sorted(known)}"


def assert_counted_as_such(one: Selected, family: Family) -> None:
    """What only grows is looked at by its rate, what stands as it stands."""
    if one.within in RATES:
        assert family.kind != "gauge", f"{one.metric} is no counter"
    assert one.has_range is (one.within in RATES | {"changes"}), one.metric


def label_values(live: str) -> dict[tuple[str, str], set[str]]:
    found: dict[tuple[str, str], set[str]] = {}
    for family in text_string_to_metric_families(live):
        for sample in family.samples:
            for label, value in sample.labels.items():
                found.setdefault((sample.name, label), set()).add(value)
    return found


def test_every_family_is_on_the_dashboard() -> None:
    looked_at = {DECLARED[one.metric][0].name for _, expression in targets() for one in parse(expression).series}
    assert {family.name for family, _ in DECLARED.values()} - looked_at == set()


def test_panels_have_numbers_of_their_own_and_do_not_overlap() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(at["x"] + right, at["y"] + down) for right in range(at["w"]) for down in range(at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells


def test_every_alert_says_how_grave_it_is_and_where_to_read_what_to_do() -> None:
    page = (HERE / "OPERATIONS.md").read_text()
    headings = set(re.findall(r"^#+ (.+)$", page, re.MULTILINE))
    names = [rule["alert"] for rule in RULES]
    assert len(set(names)) == len(names)
    for rule in RULES:
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["runbook"] in headings, rule["alert"]
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        for label in re.findall(r"\$labels\.(\w+)", json.dumps(rule)):
            assert label in parse(rule["expr"]).grouped, f"{rule['alert']}: {label} is summed away"


def test_every_section_of_the_runbook_belongs_to_an_alert_or_a_failure_and_names_it() -> None:
    page = (HERE / "OPERATIONS.md").read_text()
    for rule in RULES:
        section = page.split(f"# {rule['annotations']['runbook']}\n")[1].split("\n#")[0]
        assert rule["alert"] in section, f"{rule['annotations']['runbook']} does not name {rule['alert']}"


@pytest.mark.parametrize("wrong", ["rate(a[5x])", "sum(a", "a)", "rate by (x)", 'a{b~"c"}', "a{b=1}", "a ! b"])
def test_the_reader_of_expressions_refuses_what_prometheus_would(wrong: str) -> None:
    with pytest.raises((Malformed, IndexError)):
        parse(wrong)


def test_the_reader_of_expressions_sees_series_labels_and_ranges() -> None:
    parsed = parse('histogram_quantile(0.9, sum by (le, a) (rate(x_bucket{b="c", d=~"e.*"}[5m]))) / max(y) > 1')
    assert parsed.grouped == {"le", "a"}
    first, second = parsed.series
    assert (first.metric, first.matchers, first.has_range, first.within) == (
        "x_bucket", {"b": ("=", "c"), "d": ("=~", "e.*")}, True, "rate",
    )
    assert (second.metric, second.within) == ("y", "max")
