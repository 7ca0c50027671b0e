"""``python -m loadtests.bench.installation PORT SCORER FOLDER``: Kairos and an echo beside it.

Checks before anything is measured that a decision is what the figures say it is: 50 candidates, 20 ranked by the trees.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx

from cluster import launch
from cluster.console.asking import ask_for_link
from cluster.settings import Settings, load_settings
from cluster.store_of import store_of
from loadtests import scenario
from loadtests.bench.generator.sources import body
from loadtests.bench.ready import say_ready, stopped
from models.errors import KairosError

CANDIDATES = 50
_ADOPTED_WITHIN_S = 30.0
_COUNTS_WITHIN_S = 120.0


def main() -> None:
    port, scorer, folder = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    catalog = folder / "catalog.json"
    catalog.write_text(json.dumps(scenario.catalog()))
    chosen = {} if scorer == "serve" else {"scorer": scorer}
    settings = load_settings(data_dir=folder / "data", port=port, catalog=catalog, log_level="warning", **chosen)
    running = launch.start(settings, lambda line: print(line, file=sys.stderr))
    # As under `kairos up`: without it nobody starts Insight, and an open console is told that there are no counts.
    threading.Thread(target=running.supervisor.run, name="supervisor", daemon=True).start()
    try:
        with httpx.Client(base_url=running.url, headers={"authorization": f"Bearer {running.key}"}, timeout=30) as api:
            _promote_scorer(api, settings)
            explained = _checked_decision(api)
            _wait_for_counts(api)
            ask_for_link(running.url, running.key, _COUNTS_WITHIN_S)
            answer = api.post("/v1/decisions", json=body(0, "size"))
            answer.raise_for_status()
        _deploy_echo(len(answer.content), settings.gateways)
        say_ready(port=port, key=running.key, answer_bytes=len(answer.content), explained=explained)
        stopped()
    finally:
        running.stop()


def _promote_scorer(api: httpx.Client, settings: Settings) -> None:
    """100 trees over 24 features, so that decisions are scored for real."""
    from loadtests.trees import register_scorer

    store = store_of(settings)
    version = register_scorer(store.scorers())
    store.close()
    api.post(f"/v1/scorers/{version}:promote", json={}).raise_for_status()


def _checked_decision(api: httpx.Client) -> dict[str, Any]:
    """What a decision does, once it does what it must: shards adopt a scorer some time after its promotion."""
    wanted = {"candidates": CANDIDATES, "ranked": scenario.SURVIVORS, "propensity_from": ["scorer"]}
    deadline = time.monotonic() + _ADOPTED_WITHIN_S
    while (found := _explained(api)) != wanted:
        if time.monotonic() > deadline:
            raise KairosError(f"a decision must do {wanted} here, it did {found}; see loadtests/scenario.py")
        time.sleep(0.2)
    return found


def _wait_for_counts(api: httpx.Client) -> None:
    """Until Insight tells: it is started after everything that decides."""
    deadline = time.monotonic() + _COUNTS_WITHIN_S
    while (answer := api.get("/v1/live")).status_code != httpx.codes.OK:
        if time.monotonic() > deadline:
            raise KairosError(f"Insight tells nothing: {answer.text[:300]}")
        time.sleep(0.2)


def _explained(api: httpx.Client) -> dict[str, Any]:
    answer = api.post("/v1/explanations", json=body(0, "explained"))
    answer.raise_for_status()
    told = answer.json()
    told = told.get("explanation", told)
    sources = {candidate["propensity_source"] for candidate in told["candidates"] if "propensity_source" in candidate}
    return {
        "candidates": told["funnel"]["candidates"], "ranked": told["funnel"]["ranked"],
        "propensity_from": sorted(sources),
    }


def _deploy_echo(answer_bytes: int, replicas: int) -> None:
    from ray import serve  # after the launch has set Ray's variables

    from loadtests.references.serve_echo import echo_app

    serve.run(echo_app(replicas, answer_bytes), name="echo", route_prefix="/echo")


if __name__ == "__main__":
    main()
