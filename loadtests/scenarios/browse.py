"""Browse: households on web and app as they are in life: page views, searches, decisions, what became of each item, a
basket now and then, and time to think between."""

from __future__ import annotations

from loadtests.users.briefing import Scenario
from loadtests.users.run import install
from loadtests.users.visitor import Visit, Visitor
from loadtests.users.visits import shopping


class Browser(Visitor):
    def visit(self) -> Visit:
        return shopping(self.caller)


install(Scenario("browse", think_s=1.0))
