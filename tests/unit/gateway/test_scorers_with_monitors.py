"""``GET /v1/scorers``: what the coordinator knows, beside what the shards have seen."""

from __future__ import annotations

from typing import Any

import pytest
from unit.gateway.doubles import FakeBackend, Served

from actors.gateway.batching import ShardGone
from models.messages.answers import Scorers
from models.monitoring.calibration import label_sums
from models.monitoring.rolling import EVIDENCE, Key
from models.monitoring.seen import Seen

SCORER = {
    "version": "xgb-1", "role": "champion", "share": None, "since": None, "note": "", "target": None,
    "in_experiment": False, "registered": "2026-01-01T00:00:00Z", "manifest": {},
}
REGISTRY: dict[str, Any] = {
    "champion": "xgb-1", "canary": None, "share": 0.0, "shadows": [], "targets": {}, "note": "", "history": [],
    "scorers": [SCORER, SCORER | {"version": "xgb-2", "role": "registered"}],
}


def backend(kind: type[FakeBackend] = FakeBackend) -> FakeBackend:
    made = kind()
    made.coordinator_answer = [200, REGISTRY]
    made.seen = Seen(
        1_000, 60_000, {
            Key("xgb-1", "a", "web"): label_sums([0.1] * 200, [place < 60 for place in range(200)]),
            Key(EVIDENCE, "a", "web"): label_sums([0.5], [True]),
        }, at_ms=61_000,
    )
    return made


def test_each_scorer_has_the_labels_of_all_shards_beside_it(tmp_path: Any) -> None:
    served = Served(tmp_path, backend(), shards=3)
    answer = served.ask("GET", "/v1/scorers").json()
    Scorers.model_validate(answer)
    watched, unwatched = (scorer["monitor"] for scorer in answer["scorers"])
    assert (watched["rows"], watched["observed"], watched["predicted"]) == (600, 180, 60.0)
    assert (watched["ratio"], watched["drifted"], watched["age_s"]) == (3.0, True, 1.0)
    assert watched["worst"][0]["action"] == "a"
    assert (unwatched["rows"], unwatched["ratio"], unwatched["drifted"]) == (0, None, False)
    assert (answer["evidence"]["rows"], answer["watched_by"]) == (3, 3)


def test_a_shard_that_does_not_answer_is_left_out_and_told(tmp_path: Any) -> None:
    class OneGone(FakeBackend):
        async def shard(self, shard: int, method: str, *args: Any) -> bytes:
            if shard == 0:
                raise ShardGone("restarting")
            return await super().shard(shard, method, *args)

    answer = Served(tmp_path, backend(OneGone), shards=2).ask("GET", "/v1/scorers").json()
    assert (answer["scorers"][0]["monitor"]["rows"], answer["watched_by"]) == (200, 1)


@pytest.mark.parametrize("status", [503])
def test_without_the_coordinator_there_is_no_answer(tmp_path: Any, status: int) -> None:
    made = backend()
    made.coordinator_answer = [status, {"status": status, "title": "restarting"}]
    assert Served(tmp_path, made).ask("GET", "/v1/scorers").status_code == status
