"""Who may do what: keys, scopes, channels, rates."""

from __future__ import annotations

from typing import Any

import pytest
from unit.gateway.doubles import DECISION, EVENT, Served

from actors import access
from actors.gateway.authorise import UNKNOWN_KEY_LOOK_S
from actors.gateway.denied import ANY
from actors.gateway.routes import ROUTES

PUBLIC = {"/healthz", "/readyz", "/docs", "/openapi.json"}


def example(path: str) -> str:
    return path.replace("{customer_id}", "c").replace("{decision_id}", "d").replace("{budget_id}", "b").replace(
        "{version}", "v"
    )


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_call_but_the_public_ones_needs_a_key_and_its_scope(served: Served, route: Any) -> None:
    url = example(route.path)
    if route.path in PUBLIC:
        assert served.ask(route.method, url, key="").status_code == 200
        return
    for key in ("", "kairos_guess"):
        response = served.ask(route.method, url, key=key, content=b"nonsense")
        assert response.status_code == 401
        assert response.headers["www-authenticate"].startswith("Bearer")
    response = served.ask(route.method, url, key=served.key("outcomes:write"), content=b"nonsense")
    if route.scope == ANY:
        assert response.status_code == (426 if route.path == "/v1/stream" else 200)
    elif route.scope != "outcomes:write":
        assert response.status_code == 403
        assert route.scope in response.json()["detail"]
    assert served.backend.batches == []


def test_a_channel_that_the_key_may_not_use_is_403_before_the_rest_is_looked_at(served: Served) -> None:
    key = served.key("decide:app")
    response = served.ask("POST", "/v1/decisions", key=key, json=DECISION | {"placements": "wrong"})
    assert response.status_code == 403
    assert "decide:web" in response.json()["detail"]
    assert served.ask("POST", "/v1/decisions", key=key, json=DECISION | {"channel": "app"}).status_code == 200


def test_in_a_batch_the_channel_is_judged_element_by_element(served: Served) -> None:
    requests = [DECISION, DECISION | {"channel": "app"}]
    response = served.ask("POST", "/v1/decisions:batch", key=served.key("decide:app"), json={"requests": requests})
    assert [result["status"] for result in response.json()["results"]] == [403, 200]
    assert [command.body["channel"] for command in served.backend.commands] == ["app"]


def test_a_key_over_its_rate_is_told_when_to_come_back(served: Served) -> None:
    key = served.key("events:write", rate=2.0)
    asked = [served.ask("POST", "/v1/events", key=key, json={"events": [EVENT]}).status_code for _ in range(3)]
    assert asked == [200, 200, 429]
    refused = served.ask("POST", "/v1/events", key=key, json={"events": []})
    assert int(refused.headers["retry-after"]) >= 1
    served.now_s += 0.5
    assert served.ask("POST", "/v1/events", key=key, json={"events": []}).status_code == 200


def test_a_key_counts_as_soon_as_it_is_created(served: Served) -> None:
    assert served.ask("GET", "/v1/catalog", key="kairos_guess").status_code == 401
    key = access.create(access.FileAccess(served.data_dir), "new", ["config:read"], now_ms=0)
    served.now_s += 2 * UNKNOWN_KEY_LOOK_S
    assert served.ask("GET", "/v1/catalog", key=key).status_code == 200


def test_guesses_do_not_make_the_gateway_read_the_disk_each_time(served: Served) -> None:
    assert served.ask("GET", "/v1/catalog", key="kairos_guess").status_code == 401
    key = access.create(access.FileAccess(served.data_dir), "new", ["config:read"], now_ms=0)
    assert served.ask("GET", "/v1/catalog", key=key).status_code == 401


def test_a_revoked_key_is_refused_after_the_next_look(served: Served) -> None:
    key = served.key("config:read")
    assert served.ask("GET", "/v1/catalog", key=key).status_code == 200
    access.revoke(access.FileAccess(served.data_dir), "key 1", now_ms=0)
    served.authoriser.refresh()
    assert served.ask("GET", "/v1/catalog", key=key).status_code == 401


def test_a_damaged_key_file_leaves_the_known_keys_at_work(served: Served) -> None:
    (served.data_dir / access.KEYS_FILE).write_text("{")
    served.authoriser.refresh()
    assert served.ask("GET", "/v1/catalog").status_code == 200


@pytest.mark.parametrize(("method", "path"), [
    ("POST", "/v1/intents"), ("GET", "/v1/outbox?channel=email"), ("PUT", "/v1/world/x"),
    ("POST", "/v1/actions/a:pause"),
    ("POST", "/v1/scorers/v:crown"), ("GET", "/"), ("GET", "/v1/customers/"),
    ("GET", "/v1/scorers/:promote"), ("GET", "/v1/customers/a/b/c"),
])
def test_what_is_not_served_is_404(served: Served, method: str, path: str) -> None:
    response = served.ask(method, path)
    assert response.status_code == 404
    assert response.json()["status"] == 404


def test_a_wrong_method_is_405_with_those_that_are_right(served: Served) -> None:
    response = served.ask("PATCH", "/v1/customers/c")
    assert response.status_code == 405
    assert response.headers["allow"] == "DELETE, GET, HEAD, OPTIONS"
    assert served.ask("OPTIONS", "/v1/customers/c", key="").headers["allow"] == "DELETE, GET, HEAD, OPTIONS"


def test_head_is_get_without_a_body(served: Served) -> None:
    response = served.ask("HEAD", "/healthz")
    assert (response.status_code, response.content, response.headers["content-length"]) == (200, b"", "15")
