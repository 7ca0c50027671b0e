"""What callers were told, held against what they are told later: one key, one answer; versions never fall."""

from __future__ import annotations

from typing import Any

from models import canonical, limits
from models.turn import keys
from models.turn.commands import DECISION, ERASE, EVENT, OUTCOME, Command, Reply
from models.turn.keys import body_fingerprint


class Promises:
    def __init__(self) -> None:
        #: (customer, generation, kind, id) -> (fingerprint, when, the answer's body).
        self._first: dict[tuple[bytes, int, str, str], tuple[bytes, int, Any]] = {}
        #: Places of commands whose turn was cut off: nobody knows whether it was done.
        self._unsure: set[tuple[bytes, int, str, str]] = set()
        #: (customer, generation) -> newest version told.
        self._versions: dict[tuple[bytes, int], int] = {}
        self._generations: dict[bytes, int] = {}
        self._receipts: dict[bytes, list[str]] = {}

    def heard(self, command: Command, reply: Reply, now_ms: int) -> None:
        """Judge one answer, in the order in which the shard answered."""
        body = canonical.unpack(reply.body)
        customer = command.customer
        if command.kind == ERASE:
            self._erased(customer, body)
            return
        generation = self._generations.get(customer, 1)
        fresh = True
        if reply.status == 200 and command.kind in (EVENT, OUTCOME, DECISION) and not body.get("dry_run"):
            fresh = self._judge(command, generation, body, now_ms)
        version = body.get("state_version") if reply.status == 200 else None
        if version is not None and fresh:
            known = self._versions.get((customer, generation), 0)
            assert version >= known, f"{command.kind} told version {version} after {known}"
            self._versions[customer, generation] = version

    def cut_off(self, commands: list[Command]) -> None:
        """The shard died before it answered."""
        for command in commands:
            generation = self._generations.get(command.customer, 1)
            if command.kind in keys.ID_FIELD:
                name = str(command.body[keys.ID_FIELD[command.kind]])
                self._unsure.add((command.customer, generation, command.kind, name))
            if command.kind == DECISION and command.body["event"]:
                self._unsure.add((command.customer, generation, EVENT, command.body["event"]["event_id"]))

    def _erased(self, customer: bytes, body: dict[str, Any]) -> None:
        known = self._receipts.setdefault(customer, [])
        if body["receipt"] in known or body["time"] is None:
            assert not known or body["receipt"] == known[-1]
            return
        known.append(body["receipt"])
        self._generations[customer] = self._generations.get(customer, 1) + 1

    def _judge(self, command: Command, generation: int, body: dict[str, Any], now_ms: int) -> bool:
        """Whether this is the first answer, so that its version is today's."""
        if body.get("status") == "rejected":
            return False
        name = str(command.body[keys.ID_FIELD[command.kind]])
        place = (command.customer, generation, command.kind, name)
        without = ("deadline_ms", "min_state_version") if command.kind == DECISION else ()
        fingerprint = body_fingerprint({name: told for name, told in command.body.items() if name not in without})
        told = {key: value for key, value in body.items() if key != "status"}
        first = self._first.get(place)
        if first is None:
            is_duplicate = body.get("status") == "duplicate"
            assert not is_duplicate or place in self._unsure, f"{name} is called a duplicate at its first answer"
            self._first[place] = (fingerprint, now_ms, told)
            return not is_duplicate and place not in self._unsure
        if now_ms >= first[1] + limits.IDEMPOTENCY_MS:
            self._first[place] = (fingerprint, now_ms, told)
            return True
        assert first[0] == fingerprint, f"{name} had an effect with two bodies"
        assert first[2] == told, f"{name} was answered {first[2]}, then {told}"
        return False
