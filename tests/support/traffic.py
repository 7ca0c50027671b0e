"""Clients that keep histories: channel services of one small town, all asking for the same customers at once.

Every operation has an id of its own and is repeated, body and id unchanged, until it is answered; what is answered is
noted. Now and then an answered decision is asked for again: the same key must give the same bytes.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import httpx

from loadtests.verdict.exact import Acknowledged
from models import limits
from support.server import fresh

_PAUSE_S: Final = 0.05
_TIMEOUT_S: Final = 12.0
_PATIENCE_S: Final = 150.0
_AGAIN: Final = frozenset({429, 500, 503, 504})
_ASKED: Final = (
    ("web", "home_hero"), ("web", "home_strip"), ("push", "push_message"), ("app", "app_card"), ("pos", "receipt"),
    ("call_centre", "agent_script"), ("email", "email_body"),
)
_OUTCOMES: Final = ("impression", "accept", "reject", "not_shown", "click")


@dataclass(slots=True)
class History:
    """What clients were told, and how long they had to wait for it."""

    acknowledged: Acknowledged
    #: Answered decisions: body and the bytes of the answer.
    decisions: list[tuple[dict[str, Any], bytes]] = field(default_factory=list)
    #: From the first attempt to the answer, of operations that needed more than one.
    waits_s: list[float] = field(default_factory=list)
    operations: int = 0
    #: Refusals by their title, and attempts that came to no answer by what became of them.
    refused: Counter[str] = field(default_factory=Counter)
    #: When the last one was answered, on the monotonic clock.
    last_s: float = field(default_factory=time.monotonic)
    #: What must not be: an id answered in two ways, a refusal that is no invitation to repeat.
    wrong: list[str] = field(default_factory=list)


class Traffic:
    """A context: the clients work while it is open, and finish what they began when it closes."""

    def __init__(
        self, urls: Sequence[str], key: str, *, customers: int = 12, clients: int = 6, seed: int = 0,
        deadline_ms: int = limits.DEADLINE_MS_DEFAULT,
    ) -> None:
        """``deadline_ms``: of every decision."""
        self._urls = list(urls)
        self._key = key
        self._seed = seed
        self.deadline_ms = deadline_ms
        self._clients = clients
        self.customers = [fresh("c") for _ in range(customers)]
        self.history = History(Acknowledged(self.customers))
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Traffic:
        self._threads = [
            threading.Thread(target=Client(self, random.Random(self._seed * 1_000 + number)).run)
            for number in range(self._clients)
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join(180)
        assert not any(thread.is_alive() for thread in self._threads), "a client was never answered"

    @property
    def is_ending(self) -> bool:
        return self._ending.is_set()

    def open_client(self) -> httpx.Client:
        return httpx.Client(headers={"authorization": f"Bearer {self._key}"}, timeout=_TIMEOUT_S)

    def url(self, attempt: int) -> str:
        return self._urls[attempt % len(self._urls)]

    def note(self, customer: str, kind: str, id_: str, waited_s: float, attempts: int) -> None:
        with self._lock:
            self.history.operations += 1
            self.history.last_s = time.monotonic()
            self.history.acknowledged.note(customer, kind, id_)
            if attempts > 1:
                self.history.waits_s.append(waited_s)

    def note_decision(self, body: dict[str, Any], answer: bytes) -> None:
        with self._lock:
            self.history.decisions.append((body, answer))

    def note_refusal(self, refusal: dict[str, Any]) -> None:
        with self._lock:
            self.history.refused[refusal["title"]] += 1

    def accuse(self, what: str) -> None:
        with self._lock:
            self.history.wrong.append(what)

    def is_silent(self, for_s: float) -> bool:
        """Whether nothing was answered for so long."""
        return time.monotonic() - self.history.last_s > for_s

    def answered_since(self, operations: int) -> bool:
        """Whether more than so many operations have been answered."""
        return self.history.operations > operations


class Client:
    """One channel service, on a thread of its own."""

    def __init__(self, traffic: Traffic, rng: random.Random) -> None:
        self._traffic = traffic
        self._rng = rng
        self._http = traffic.open_client()
        self._attempt = rng.randrange(1_000)
        self._decided: list[tuple[dict[str, Any], bytes, dict[str, Any]]] = []

    def run(self) -> None:
        try:
            self._work()
        except Exception as error:  # nobody else would hear of it
            self._traffic.accuse(f"a client gave up: {error!r}")
        finally:
            self._http.close()

    def _work(self) -> None:
        for customer in self._traffic.customers:
            self._ask("PUT", f"/v1/customers/{customer}/consent", {"marketing": True})
        while not self._traffic.is_ending:
            customer = self._rng.choice(self._traffic.customers)
            self._rng.choice((self._event, self._decide, self._decide, self._outcome, self._repeat))(customer)

    def _event(self, customer: str) -> None:
        body = {
            "event_id": fresh("e"), "customer_id": customer, "time": datetime.now(UTC).isoformat(),
            "type": self._rng.choice(("basket", "cart_abandoned", "error")),
            "properties": {"total": self._rng.randrange(100) / 4, "departments": ["PRODUCE"]},
        }
        waited_s, attempts, answer = self._ask("POST", "/v1/events", {"events": [body]})
        self._applied(answer, customer, "event", body["event_id"], waited_s, attempts)

    def _decide(self, customer: str) -> None:
        channel, placement = self._rng.choice(_ASKED)
        body = {
            "request_id": fresh("r"), "customer_id": customer, "channel": channel, "placements": [{"id": placement}],
            "deadline_ms": self._traffic.deadline_ms,
        }
        waited_s, attempts, answer = self._ask("POST", "/v1/decisions", body)
        decided = answer.json()
        self._traffic.note(customer, "decision", decided["decision_id"], waited_s, attempts)
        self._traffic.note_decision(body, answer.content)
        self._decided.append((body, answer.content, decided))

    def _outcome(self, customer: str) -> None:
        chosen = [
            (decided, item) for _, _, decided in self._decided[-30:] for place in decided["placements"]
            for item in place["items"] if not item["fallback"]
        ]
        if not chosen:
            return
        decided, item = self._rng.choice(chosen)
        body = {
            "outcome_id": fresh("o"), "decision_id": decided["decision_id"], "action": item["action"],
            "type": self._rng.choice(_OUTCOMES), "time": datetime.now(UTC).isoformat(),
        }
        waited_s, attempts, answer = self._ask("POST", "/v1/outcomes", {"outcomes": [body]})
        self._applied(answer, decided["customer_id"], "outcome", body["outcome_id"], waited_s, attempts)

    def _repeat(self, customer: str) -> None:
        if self._decided:
            body, said, _ = self._rng.choice(self._decided)
            _, _, answer = self._ask("POST", "/v1/decisions", body)
            if answer.content != said:
                self._traffic.accuse(f"{body['request_id']} was answered in two ways: {said!r} and {answer.content!r}")

    def _applied(
        self, answer: httpx.Response, customer: str, kind: str, id_: str, waited_s: float, attempts: int
    ) -> None:
        (result,) = answer.json()["results"]
        if result["status"] == "rejected":
            self._traffic.accuse(f"{kind} {id_} was rejected: {result['error']}")
        else:
            self._traffic.note(customer, kind, id_, waited_s, attempts)

    def _ask(self, method: str, path: str, body: dict[str, Any]) -> tuple[float, int, httpx.Response]:
        """(waited, attempts, the 200): until it comes, at one gateway after the other."""
        started_s, attempts, said = time.monotonic(), 0, ""
        while True:
            attempts += 1
            try:
                answer = self._http.request(method, self._traffic.url(self._attempt) + path, json=body)
            except httpx.HTTPError as error:
                said = repr(error)
                self._traffic.note_refusal({"title": said})
            else:
                refusal = _refusal(answer)
                if refusal is None:
                    return time.monotonic() - started_s, attempts, answer
                said = str(refusal)
                assert refusal["status"] in _AGAIN, f"{method} {path}: {said}"
                self._traffic.note_refusal(refusal)
            self._attempt += 1
            assert time.monotonic() - started_s < _PATIENCE_S, f"{method} {path} was never answered: {said}"
            time.sleep(_PAUSE_S)


def _refusal(answer: httpx.Response) -> dict[str, Any] | None:
    """The problem that was answered: to the whole, or to the one item of a batch, when it shall come again."""
    body: dict[str, Any] = answer.json()
    if answer.status_code != 200:
        return body
    for result in body.get("results", ()):
        if result["status"] == "rejected" and result["error"]["status"] in _AGAIN:
            refused: dict[str, Any] = result["error"]
            return refused
    return None
