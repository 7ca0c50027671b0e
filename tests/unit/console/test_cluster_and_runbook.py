"""What is not as it should be is told with the line of the runbook, and the runbook has that line."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from unit.console import told_by_api as api

from cluster.console.views import rules
from cluster.console.views.cluster import cluster, gateways, positions
from cluster.console.views.runbook import OPERATIONS, Section, anchor, line_of, runbook, sections_of
from models import limits

LIVE = api.live()
#: Of the checkout: the alerts are for who runs Prometheus, and in no package.
CLUSTER = Path(__file__).resolve().parents[3] / "cluster"


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.line[:40])
def test_the_line_that_a_rule_quotes_stands_in_its_section_of_the_runbook(rule: rules.Rule) -> None:
    assert rule.line in rule.section.source


def test_the_runbook_has_every_failure_of_the_file_once() -> None:
    chapter = OPERATIONS.read_text().split("## Failures\n")[1]
    titles = re.findall(r"^### (.+)$", chapter, re.MULTILINE)
    assert list(runbook()) == titles
    assert len({section.anchor for section in runbook().values()}) == len(titles)
    assert all(section.blocks for section in runbook().values())


def words_of(section: Section) -> str:
    spans = [span.text for block in section.blocks for line in block.lines for span in line]
    cells = [span.text for block in section.blocks for row in block.rows for line in row for span in line]
    return " ".join([*spans, *cells, *(block.code for block in section.blocks)])


def test_no_word_of_a_section_is_lost_on_its_way_to_the_page() -> None:
    for section in runbook().values():
        for word in re.findall(r"[A-Za-z_]{4,}", re.sub(r"\]\([^)]*\)", "]", section.source)):
            assert word in words_of(section) or word == "bash", f"{section.title}: {word}"


def test_a_section_has_paragraphs_commands_and_tables() -> None:
    text = (
        "# A\n## Failures\n### One, two\nSome `code` and\n**more**.\n\n```sh\na  b\n```\n"
        "| x | y |\n|---|---|\n| 1 | `2` |\n## Next\n### Not this\nx"
    )
    (section,) = sections_of(text).values()
    assert (section.title, section.anchor) == ("One, two", "one-two")
    paragraph, code, table = section.blocks
    assert [(span.kind, span.text) for span in paragraph.lines[0]] == [
        ("plain", "Some "), ("code", "code"), ("plain", " and "), ("strong", "more"), ("plain", "."),
    ]
    assert code.code == "a  b"
    assert [[cell[0].text for cell in row] for row in table.rows] == [["x", "y"], ["1", "2"]]


def test_a_link_in_the_runbook_is_its_text_alone() -> None:
    assert [span.text for span in line_of("see [there](../README.md#x) now")] == ["see ", "there", " now"]
    assert anchor("An experiment's sample ratio") == "an-experiments-sample-ratio"


def test_the_thresholds_are_those_of_the_alerts() -> None:
    alerts = YAML(typ="safe").load((CLUSTER / "observability" / "alerts.yaml").read_text())
    above = {rule["alert"]: float(rule["expr"].split()[-1]) for group in alerts["groups"] for rule in group["rules"]
             if "> " in rule["expr"]}
    assert above["KairosBacklog"] == limits.CONSOLE_BACKLOG_WARN
    assert above["KairosCommitsSlow"] * 1_000 == limits.CONSOLE_COMMIT_MS_WARN
    assert above["KairosShardStartsAgainAndAgain"] == limits.CONSOLE_RESTARTS_WARN


def test_a_cluster_that_is_well_has_nothing_to_tell() -> None:
    told = cluster(api.STATUS, LIVE, 240)
    assert told.is_well
    assert not told.is_bad
    assert [shard.state for shard in told.shards] == ["serving", "serving"]
    assert told.total("customers_resident") == 25_208


def findings(
    status: dict[str, Any], live: dict[str, Any] | None = LIVE, age_ms: int | None = 0,
) -> dict[str, set[rules.Rule]]:
    found: dict[str, set[rules.Rule]] = {}
    for finding in cluster(status, live, age_ms).findings:
        found.setdefault(finding.where, set()).add(finding.rule)
    return found


def test_every_trouble_of_a_shard_is_marked_where_it_shows() -> None:
    told = cluster(api.troubled_status(), LIVE, 0)
    assert told.is_bad
    assert dict(told.shards[0].marks) == {
        "append_p99_ms": "bad", "backlog": "bad", "restarts": "warn", "catalog_version": "bad", "scorer_version": "bad",
    }
    assert (told.shards[1].state, dict(told.shards[1].marks)) == ("no answer", {"state": "bad"})
    assert [finding.level for finding in told.findings] == sorted(finding.level for finding in told.findings)
    assert findings(api.troubled_status())["shard 1"] == {rules.SHARD_SILENT}


@pytest.mark.parametrize(("state", "rule"), [
    ("starting", rules.SHARD_STARTING), ("standby", rules.SHARD_STARTING), ("released", rules.SHARD_STARTING),
    ("no_catalog", rules.SHARD_WITHOUT_CATALOG), ("something new", rules.SHARD_STARTING),
])
def test_a_shard_that_does_not_serve_says_what_it_does(state: str, rule: rules.Rule) -> None:
    told = copy.deepcopy(api.STATUS)
    told["shards"][0] |= {"state": state, "behind": 7}
    assert findings(told) == {"shard 0": {rule}}


def test_versions_that_differ_from_the_live_ones_are_told_and_evidence_may_lag_by_one() -> None:
    told = copy.deepcopy(api.STATUS)
    told["shards"][0]["evidence_version"] = 411
    assert findings(told) == {}
    told["shards"][0] |= {"evidence_version": 409, "scorer_version": None}
    assert findings(told) == {"shard 0": {rules.VERSIONS}}


def test_without_the_coordinator_nobody_knows_which_versions_are_live() -> None:
    told = copy.deepcopy(api.STATUS)
    for name in ("catalog_version", "scorer_version", "evidence_version"):
        del told[name]
    told["coordinator"] = False
    told["shards"][1]["coordinator"] = False
    assert findings(told) == {"coordinator": {rules.COORDINATOR_SILENT}, "shard 1": {rules.COORDINATOR_UNHEARD}}


def test_a_replica_that_does_not_run_is_told_unless_it_is_leaving() -> None:
    told = copy.deepcopy(api.STATUS)
    gateway, scorer, console = told["serving"]
    assert gateways(told) == (2, 2)
    gateway |= {"running": 1, "state": "updating"}
    scorer |= {"running": 0, "state": "unhealthy"}
    console |= {"running": 0, "state": "unhealthy"}
    assert findings(told) == {"gateway": {rules.GATEWAYS}, "scorer": {rules.DEGRADED}}
    gateway["state"] = "downscaling"
    assert set(findings(told)) == {"scorer"}
    assert gateways({**told, "serving": None}) is None


def test_insight_that_is_away_behind_or_silent_is_told() -> None:
    assert findings(api.STATUS, None) == {"insight": {rules.INSIGHT_SILENT}}
    assert findings(api.STATUS, {**LIVE, "caught_up": False, "behind_rows": 9}) == {"insight": {rules.INSIGHT_BEHIND}}
    assert findings(api.STATUS, LIVE, limits.CONSOLE_STALE_MS + 1) == {"insight": {rules.INSIGHT_SILENT}}


def test_insight_tells_how_far_it_has_read_each_shard() -> None:
    assert [(one.shard, one.behind) for one in positions(LIVE)] == [(0, 0), (1, 2)]
