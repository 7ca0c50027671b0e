"""Ingest: a firehose of baskets in batches of many customers; ``--batch`` events per call."""

from __future__ import annotations

from loadtests.users.briefing import Scenario
from loadtests.users.run import install
from loadtests.users.visitor import Visit, Visitor
from loadtests.users.visits import till


class Till(Visitor):
    def visit(self) -> Visit:
        return till(self.caller)


install(Scenario("ingest", customers=1_000, verified=100, batch=100))
