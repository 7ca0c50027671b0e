"""``kairos scorer`` against a server that is only told of: what is asked, and what is said of the answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from cluster.cli import app
from cluster.cli import scorers as commands
from cluster.client import Kairos
from cluster.client.wire import Reply, Request
from models.canonical import unpack
from models.errors import KairosError

LISTED = {
    "champion": "xgb-1", "canary": "xgb-2", "share": 0.05, "shadows": [], "targets": {}, "note": "xgb-0 does not fit",
    "history": [], "scorers": [
        {"version": "xgb-1", "role": "champion", "share": None, "since": "2026-01-01T00:00:00Z", "note": "",
         "target": None, "manifest": {"metrics": {"auc": 0.71234}, "rows": {"all": 400}}},
        {"version": "xgb-2", "role": "canary", "share": 0.05, "since": "2026-01-02T00:00:00Z", "note": "",
         "target": None, "manifest": {}},
    ],
}
CHANGED = {"version": "xgb-2", "role": "canary", "share": 0.05, "since": None, "adopted": [0, 1], "waiting_for": []}


class Told:
    """Answers every request with the same."""

    def __init__(self, body: Any, status: int = 200) -> None:
        self.body, self.status = body, status
        self.asked: list[tuple[str, str, Any]] = []

    def send(self, request: Request, timeout_s: float) -> Reply:
        body = unpack(request.body) if request.body else None
        self.asked.append((request.method, request.path, body))
        return Reply(self.status, json.dumps(self.body).encode(), "application/json")

    def close(self) -> None:
        """Nothing to close."""


def kairos(monkeypatch: pytest.MonkeyPatch, told: Told, *arguments: str, columns: int = 200) -> str:
    monkeypatch.setattr(commands, "_client", lambda *_: Kairos("http://told", "key", through=told, timeout_s=1.0))
    done = CliRunner().invoke(app, ["scorer", *arguments], env={"COLUMNS": str(columns)})
    if isinstance(done.exception, KairosError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize(("arguments", "asked"), [
    (("promote", "xgb-2"), ("POST", "/v1/scorers/xgb-2:promote", None)),
    (("shadow", "xgb-2"), ("POST", "/v1/scorers/xgb-2:shadow", None)),
    (("canary", "xgb-2", "--share", "0.05"), ("POST", "/v1/scorers/xgb-2:canary", {"share": 0.05})),
    (("retire", "xgb-2"), ("POST", "/v1/scorers/xgb-2:retire", None)),
    (("rollback",), ("POST", "/v1/scorers:rollback", None)),
])
def test_each_command_is_one_call_and_says_what_became_of_it(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], asked: tuple[str, str, Any]
) -> None:
    told = Told(CHANGED)
    assert kairos(monkeypatch, told, *arguments) == "xgb-2: canary for 5.0000% of the customers\n"
    assert json.loads(kairos(monkeypatch, told, *arguments, "--json")) == CHANGED
    assert [(method, path.partition("?")[0], body) for method, path, body in told.asked] == [asked, asked]


def test_the_list_names_roles_shares_and_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    said = kairos(monkeypatch, Told(LISTED), "list")
    for word in ("xgb-1", "champion", "0.7123", "400", "xgb-2", "canary", "5.0000%", "xgb-0 does not fit"):
        assert word in said
    assert json.loads(kairos(monkeypatch, Told(LISTED), "list", "--json")) == LISTED


UNSEEN = {"rows": 0, "ratio": None, "drifted": False, "features": None}


@pytest.mark.parametrize(("monitor", "said"), [
    ({"rows": 340, "ratio": 0.5521, "drifted": True, "features": {"rows": 900, "drifted": 2}},
     "0.55 of 340 calibration, features: 2"),
    ({"rows": 340, "ratio": 1.0312, "drifted": False, "features": {"rows": 900, "drifted": 0}}, "1.03 of 340 no"),
    ({**UNSEEN, "features": {"rows": 900, "drifted": 1}}, "- features: 1"),
    ({**UNSEEN, "features": {"rows": 0, "drifted": 0}}, "- -"), (UNSEEN, "- -"), (None, "- -"),
])
def test_the_list_says_whether_what_is_predicted_comes_true_and_what_has_drifted(
    monkeypatch: pytest.MonkeyPatch, monitor: dict[str, Any] | None, said: str
) -> None:
    watched = {**LISTED["scorers"][0], "monitor": monitor}
    line = next(
        line for line in kairos(monkeypatch, Told({**LISTED, "scorers": [watched]}), "list").splitlines()
        if "xgb-1" in line
    )
    assert " ".join(line.split()).endswith(f"400 0.7123 - {said}")


def test_a_roll_back_to_evidence_and_shards_that_lag_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    back = {**CHANGED, "version": None, "role": "champion", "share": None, "waiting_for": [1]}
    said = kairos(monkeypatch, Told(back, 202), "rollback")
    assert said == "evidence alone decides; shards [1] have yet to adopt it\n"


def test_versions_in_a_list_are_whole_in_a_narrow_terminal_too(monkeypatch: pytest.MonkeyPatch) -> None:
    version = "xgb-0123456789abcdef"
    listed = {**LISTED, "scorers": [{**LISTED["scorers"][0], "version": version}]}
    assert version in kairos(monkeypatch, Told(listed), "list", columns=80)


def test_a_refusal_is_one_error_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = {"title": "Scorer does not fit", "status": 422, "detail": "does not fit the catalog", "request_id": "r",
               "errors": [{"loc": ["features"], "msg": "'profile.x': the catalog has no feature 'x'"}]}
    with pytest.raises(KairosError, match="does not fit the catalog"):
        kairos(monkeypatch, Told(problem, 422), "promote", "xgb-2")


def test_a_share_beyond_all_customers_is_wrong_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "_client", lambda *_: pytest.fail("nobody is asked"))
    assert CliRunner().invoke(app, ["scorer", "canary", "x", "--share", "1.5"]).exit_code == 2
