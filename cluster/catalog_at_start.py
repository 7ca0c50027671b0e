"""Which catalog a start publishes: the one named by ``--catalog``, else the packaged example where there is none."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from models.catalog.check import check_text
from models.errors import BadInput, KairosError

PACKAGED = Path(__file__).with_name("example_catalog.yaml")
_ANSWER_WAIT_S = 60.0


def read_catalog_to_publish(path: Path | None) -> str | None:
    """The text of ``--catalog``, checked before anything starts. Raises ``BadInput`` with every error."""
    if path is None:
        return None
    try:
        text = path.read_text()
    except OSError as error:
        raise BadInput(f"cannot read the catalog {path}: {error.strerror}") from error
    check_text(text)
    return text


def publish_at_start(url: str, key: str, text: str | None, say: Callable[[str], None]) -> None:
    """Publish through the public API, as anybody would. A live catalog is replaced only when one was named."""
    with httpx.Client(base_url=url, headers={"authorization": f"Bearer {key}"}, timeout=30.0) as client:
        _wait_alive(client)
        if text is None:
            if client.get("/v1/catalog").status_code == httpx.codes.OK:
                return
            say("no catalog yet: publishing the packaged example")
            text = PACKAGED.read_text()
        answer = client.put("/v1/catalog", content=text, headers={"content-type": "application/yaml"})
        if answer.status_code not in (httpx.codes.OK, httpx.codes.ACCEPTED):
            raise KairosError(f"the catalog was refused: {answer.text[:2_000]}")
        say(f"catalog {answer.json()['catalog_version']}")


def _wait_alive(client: httpx.Client) -> None:
    deadline = time.monotonic() + _ANSWER_WAIT_S
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.HTTPError):  # nobody listens yet
            if client.get("/healthz").status_code == httpx.codes.OK:
                return
        time.sleep(0.1)
    raise KairosError(f"the gateway did not answer within {_ANSWER_WAIT_S:.0f} s")
