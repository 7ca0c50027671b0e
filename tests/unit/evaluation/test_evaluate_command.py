"""`kairos evaluate` on files: what it answers, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner
from unit.evaluation.worlds import files, world, write

from cluster.cli import app
from cluster.evaluating import load
from models.errors import BadInput

ESTIMATORS = ("ips", "snips", "dm", "dr", "switch_dr")


def run(log: Path, policy: Path, *options: str) -> Any:
    return CliRunner().invoke(app, ["evaluate", "--log", str(log), "--policy", str(policy), *options])


def refusal(log: Path, policy: Path) -> str:
    with pytest.raises(BadInput) as caught:
        load(log, policy)
    return str(caught.value)


def simple(folder: Path, log: dict[str, Any] | None = None, policy: dict[str, Any] | None = None) -> tuple[Path, Path]:
    """Three rounds of one position and two actions; columns can be replaced, or removed by None."""
    logged = {
        "round_id": [1, 2, 3], "action": ["a", "b", "a"], "rank": [1, 1, 1], "reward": [1.0, 0.0, 0.0],
        "selection_probability": [0.5, 0.5, 0.5], **(log or {}),
    }
    chosen = {
        "round_id": [1, 1, 2, 2, 3, 3], "action": ["a", "b"] * 3, "rank": [1] * 6, "probability": [0.9, 0.1] * 3,
        **(policy or {}),
    }
    kept = ({name: column for name, column in one.items() if column is not None} for one in (logged, chosen))
    return tuple(write(folder / f"{name}.parquet", one) for name, one in zip(("log", "policy"), kept, strict=True))


def test_every_estimate_has_value_error_and_interval_and_the_truth_lies_near(tmp_path: Path) -> None:
    one = world(3_000, 1, keen=0.0)
    done = run(*files(one, tmp_path), "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    for name in ESTIMATORS:
        assert set(found[name]) == {"value", "se", "ci"}
        low, high = found[name]["ci"]
        assert low < found[name]["value"] < high
        if name != "dm":
            assert abs(found[name]["value"] - one.truth) < 4 * found[name]["se"]
    weights = one.policy[np.arange(3_000), one.shown] * 4
    assert found["ess"] == pytest.approx(weights.sum() ** 2 / (weights**2).sum())
    assert found["max_weight"] == pytest.approx(weights.max())
    assert (found["rounds"], found["verdict"]) == (3_000, "ok")
    assert found["why"]
    assert found["logged"]["value"] == pytest.approx(one.reward.mean())


def test_without_json_it_prints_a_table_and_the_verdict(tmp_path: Path) -> None:
    done = run(*files(world(1_000, 2), tmp_path))
    assert done.exit_code == 0, done.output
    assert "doubly robust" in done.output
    assert "effective sample size" in done.output


def test_a_log_too_small_is_refused_unless_forced_and_its_numbers_are_shown_all_the_same(tmp_path: Path) -> None:
    paths = simple(tmp_path)
    done = run(*paths, "--json")
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert found["verdict"] == "refused"
    assert "effective sample size" in found["why"]
    assert found["ips"]["value"] == pytest.approx((0.9 / 0.5) / 3)
    forced = run(*paths, "--json", "--force")
    assert forced.exit_code == 0
    assert json.loads(forced.stdout)["verdict"] == "refused"
    assert "warning" in forced.stderr


@pytest.mark.parametrize("reward", [[0.0], [3.5]])
def test_one_round_gives_valid_json_without_a_standard_error(tmp_path: Path, reward: list[float]) -> None:
    paths = simple(tmp_path, {
        "round_id": [1], "action": ["a"], "rank": [1], "reward": reward, "selection_probability": [0.5],
    }, {"round_id": [1], "action": ["b"], "rank": [1], "probability": [1.0]})
    done = run(*paths, "--json")
    assert done.exit_code == 1
    found = json.loads(done.stdout, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert found["snips"] == {"value": None, "se": None, "ci": [None, None]}
    assert found["ips"]["value"] == 0.0


def test_what_the_log_never_showed_is_named_counted_and_refused(tmp_path: Path) -> None:
    one = world(2_000, 3)
    log, policy = files(one, tmp_path)
    table = pq.read_table(policy)
    names = ["brand-new" if name == "survey" else name for name in table.column("action").to_pylist()]
    write(policy, {**{name: table.column(name) for name in table.column_names}, "action": names})
    done = run(log, policy, "--json")
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert found["verdict"] == "refused"
    assert "'brand-new' (at 2000 positions)" in found["why"]
    assert "'brand-new'" in done.stderr
    assert found["overlap"]["never_logged"][0]["positions"] == 2_000
    assert found["overlap"]["never_logged_share"] == pytest.approx(one.policy[:, 2].mean())


def test_probabilities_that_were_not_drawn_with_make_the_answer_weak(tmp_path: Path) -> None:
    log, policy = files(world(3_000, 4), tmp_path)
    table = pq.read_table(log)
    columns = {name: table.column(name) for name in table.column_names}
    doubled = np.minimum(1.0, 2.0 * np.asarray(columns["selection_probability"]))
    write(log, {**columns, "selection_probability": doubled})
    found = json.loads(run(log, policy, "--json").stdout)
    assert found["verdict"] == "weak"
    assert "mean weight" in found["why"]


BAD = [
    ({"selection_probability": [0.0, 0.5, 0.5]}, {}, "1 of 3 rows are 0, yet the action was shown, like round 1"),
    ({"selection_probability": [0.5, None, 0.5]}, {}, "1 of 3 rows are missing, like round 2 rank 1"),
    ({"selection_probability": [0.5, 1.5, -0.5]}, {}, "1 of 3 rows are above 1, like round 2 rank 1 (1.5)"),
    ({"selection_probability": [0.5, 0.5, -0.5]}, {}, "1 of 3 rows are negative, like round 3 rank 1 (-0.5)"),
    ({"round_id": [1, 2, 2]}, {}, "1 of 3 rows are duplicated, of the same round and rank"),
    ({"reward": [1.0, float("inf"), None]}, {}, "2 of 3 rows hold no finite number, like round 2 rank 1"),
    ({"reward": None}, {}, "log.reward: this column is missing"),
    ({"reward": ["x", "y", "z"]}, {}, "log.reward: this column holds string; it must hold numbers"),
    ({"rank": ["1", "2", "3"]}, {}, "log.rank: this column holds string; it must hold whole numbers"),
    ({"rank": [1.0, 1.5, 1.0]}, {}, "log.rank: 1 of 3 rows hold no whole number"),
    ({"action": ["a", None, "b"]}, {}, "log.action: 1 of 3 rows hold nothing here"),
    ({"action": [[1], [2], [3]]}, {}, "log.action: this column holds list"),
    ({"things": [[1], [2], [3]]}, {}, "log.things: it holds list"),
    ({}, {"probability": None}, "policy.probability: this column is missing"),
    ({}, {"probability": [0.9, 0.2] * 3}, "at 3 positions they do not add up to 1, like round 1 rank 1 (1.1)"),
    ({}, {"probability": [1.9, -0.9, 0.9, 0.1, 0.9, 0.1]}, "1 of 6 rows are negative, like round 1 rank 1 action 'b'"),
    ({}, {"probability": [0.9, None, 0.9, 0.1, 0.9, 0.1]}, "1 of 6 rows are missing, like round 1 rank 1 action 'b'"),
    ({}, {"action": ["a", "a", "a", "b", "a", "b"]}, "1 of 6 rows are duplicated, of the same round, action and rank"),
    ({}, {"round_id": [1, 1, 2, 2, 9, 9]}, "1 rounds (2 rows) are not in the log, like 9"),
    ({}, {"round_id": [1, 1, 2, 2, 9, 9]}, "1 positions of the log (1 rounds) have no row in the policy, like round 3"),
    ({}, {"rank": [1, 1, 1, 1, 2, 2]}, "1 positions of the log (1 rounds) have no row in the policy"),
    ({}, {"round_id": ["1", "1", "2", "2", "3", "3"]}, "it holds string, that of the log int64"),
]


@pytest.mark.parametrize(("log", "policy", "said"), BAD, ids=[said[:50] for _, _, said in BAD])
def test_what_is_wrong_is_named_with_counts_and_examples(
    tmp_path: Path, log: dict[str, Any], policy: dict[str, Any], said: str
) -> None:
    assert said in refusal(*simple(tmp_path, log, policy))


def test_everything_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    told = refusal(*simple(
        tmp_path, {"selection_probability": [0.0, 0.5, 0.5], "reward": [float("nan"), 0.0, 0.0]},
        {"probability": [0.9, 0.3] * 3, "round_id": [1, 1, 2, 2, 7, 7]},
    ))
    for part in ("log.selection_probability", "log.reward", "policy.probability", "policy.round_id"):
        assert part in told
    missing = refusal(*simple(tmp_path, {"rank": None, "reward": None}, {"action": None}))
    assert all(name in missing for name in ("log.rank", "log.reward", "policy.action"))


def test_an_empty_log_and_a_file_that_is_no_parquet_are_refused(tmp_path: Path) -> None:
    _, policy = simple(tmp_path)
    empty = pa.schema([("round_id", pa.int64()), ("action", pa.string()), ("rank", pa.int64()),
                       ("reward", pa.float64()), ("selection_probability", pa.float64())])
    pq.write_table(empty.empty_table(), tmp_path / "empty.parquet")
    assert "the log holds no row" in refusal(tmp_path / "empty.parquet", policy)
    (tmp_path / "text.parquet").write_text("round_id,action\n")
    done = run(tmp_path / "text.parquet", policy)
    assert done.exit_code == 1
    assert "as Parquet" in str(done.exception)


def test_bad_input_ends_with_status_1_even_when_forced_and_machines_are_told_why(tmp_path: Path) -> None:
    paths = simple(tmp_path, {"selection_probability": [0.0, 0.5, 0.5]})
    assert run(*paths, "--force").stdout == ""
    done = run(*paths, "--json", "--force")
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert told["verdict"] == "refused"
    assert "selection_probability" in json.dumps(told["errors"])


def test_ids_may_be_numbers_text_or_categories_and_columns_of_any_width(tmp_path: Path) -> None:
    one = world(500, 5)
    text = load(*files(one, tmp_path))
    log, policy = (pq.read_table(path) for path in files(one, tmp_path))
    numbered = []
    for table, path in ((log, tmp_path / "l.parquet"), (policy, tmp_path / "p.parquet")):
        columns = {name: table.column(name) for name in table.column_names}
        columns["round_id"] = [float(name[1:]) for name in table.column("round_id").to_pylist()]
        columns["action"] = table.column("action").dictionary_encode()
        columns["rank"] = table.column("rank").cast(pa.int8())
        numbered.append(write(path, columns))
    same = load(*numbered)
    assert np.array_equal(same.policy.probability, text.policy.probability)
    assert np.array_equal(same.log.action, text.log.action)
    assert list(same.log.round_ids)[:3] == [0, 1, 2]


def test_an_action_that_is_not_listed_counts_as_impossible_and_further_ranks_are_passed_over(tmp_path: Path) -> None:
    loaded = load(*simple(tmp_path, None, {
        "round_id": [1, 2, 3, 3], "action": ["a"] * 4, "rank": [1, 1, 1, 2], "probability": [1.0] * 4,
    }))
    assert loaded.policy.position.tolist() == [0, 1, 2]
    assert "1 rows of the policy are for ranks that the log lacks" in loaded.notes[0]


def test_context_is_what_was_known_and_does_not_follow_from_the_action(tmp_path: Path) -> None:
    one = world(200, 6)
    log, policy = files(one, tmp_path)
    table = pq.read_table(log)
    prices = np.array([5.0, 1.0, 2.0, 9.0])[one.shown]
    write(log, {
        **{name: table.column(name) for name in table.column_names}, "price": prices, "click": one.reward,
        "confirmed": one.reward > 0, "action.value": prices, "vip": one.x > 1,
        "since": pa.array(np.arange(200), pa.timestamp("ms")), "many": [f"u{at % 40}" for at in range(200)],
        "gap": [None if at % 2 else 1.0 for at in range(200)], "same": ["x"] * 200,
    })
    loaded = load(log, policy)
    assert loaded.log.features == ("x", "half=lower", "half=upper", "vip", "since", "many", "gap") or (
        loaded.log.features == ("x", "half=upper", "half=lower", "vip", "since", "many", "gap")
    )
    notes = " ".join(loaded.notes)
    for reason in ("price (follows from", "click (a copy of the reward)", "confirmed (known only", "action.value (desc",
                   "same (the same in every row)"):
        assert reason in notes


def test_a_policy_is_read_in_batches_with_actions_that_the_log_lacks(tmp_path: Path, monkeypatch) -> None:
    one = world(300, 7)
    whole = load(*files(one, tmp_path))
    monkeypatch.setattr("cluster.evaluating._BATCH_ROWS", 7)
    again = load(*files(one, tmp_path))
    assert np.array_equal(whole.policy.probability, again.policy.probability)
    assert list(whole.log.action_ids) == list(again.log.action_ids)


def test_an_export_of_kairos_is_a_log_as_it_is_but_for_what_is_still_open(tmp_path: Path) -> None:
    one = world(300, 8)
    log, policy = files(one, tmp_path)
    table = pq.read_table(log)
    rewards = [None if at < 5 else float(reward) for at, reward in enumerate(one.reward)]
    write(log, {
        **{name: table.column(name) for name in table.column_names}, "reward": rewards,
        "confirmed": one.reward > 0, "label": one.reward, "label_time_ms": np.arange(300),
        "catalog_version": ["v"] * 300,
        "experiments": pa.array([[("e", "v")]] * 300, pa.map_(pa.string(), pa.string())),
    })
    loaded = load(log, policy)
    assert loaded.log.rounds == 295
    assert len(loaded.policy.position) == 295 * 4
    assert "left out: 5 rounds of the export whose outcome is still open" in loaded.notes
    assert all(name.startswith(("x", "half")) for name in loaded.log.features)


def test_unsigned_hashes_index_columns_and_further_types_are_read(tmp_path: Path) -> None:
    high = [2**64 - 1, 5, 2**63]
    log, policy = simple(tmp_path, {
        "round_id": pa.array(high, pa.uint64()), "__index_level_0__": [7, 8, 9],
        "big": pa.array([1, 2, 3], pa.decimal128(5)),
        "text": pa.array(["x", None, "y"], pa.large_string()), "day": pa.array([1, 2, 3], pa.date32()),
        "at": pa.array([1574553634762830001, 1574553634762830002, None], pa.timestamp("ns")), "wide": [2**62 + 1, 3, 4],
    }, {"round_id": pa.array([one for one in high for _ in "ab"], pa.uint64())})
    loaded = load(log, policy)
    assert loaded.policy.position.tolist() == [0, 0, 1, 1, 2, 2]
    assert set(loaded.log.features) == {"big", "text=x", "text=y", "day", "at", "wide"}


def test_what_cannot_be_read_on_the_way_is_told_too(tmp_path: Path) -> None:
    log, policy = simple(tmp_path)
    whole = log.read_bytes()
    log.write_bytes(whole[:8] + bytes(40) + whole[48:])
    assert "log.parquet" in refusal(log, policy)
    log, policy = simple(tmp_path, {"rank": [1e300, 1.0, 1.0]})
    assert "cannot read all of" in refusal(log, policy)
    log, policy = simple(tmp_path, {"reward": [1e16, 1.0, 1.0]})
    assert "1 of 3 rows hold more than 1e15, like round 1 rank 1" in refusal(log, policy)


def test_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    log, policy = simple(tmp_path)
    table = pq.read_table(log)
    twin = table.append_column("x", pa.array([1, 2, 3])).append_column("x", pa.array([1, 2, 3]))
    pq.write_table(twin, log)
    assert "the log has 2 columns of this name" in refusal(log, policy)
    pq.write_table(table.append_column("rank", pa.array([1, 2, 3])), log)
    assert "log.rank: this column is there more than once" in refusal(log, policy)
