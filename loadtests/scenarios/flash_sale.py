"""Flash sale: whoever is offered something takes it at once, until budgets run dry in the middle of the load.

On an installation of its own, small budgets are in the catalog. On another server say which budget shall run dry:
``--cap BUDGET=UNITS`` gives it so many free units for the run and its own cap back afterwards.
"""

from __future__ import annotations

from typing import Any

from loadtests.users.briefing import Scenario, budgets_of
from loadtests.users.run import install
from loadtests.users.visitor import Visit, Visitor
from loadtests.users.visits import grab
from loadtests.verdict.checks import Check


class Buyer(Visitor):
    def visit(self) -> Visit:
        return grab(self.caller)


def ran_dry(lead: Any, run: Any) -> None:
    """A sale in which nothing ran out has tested nothing: say so."""
    books = budgets_of(lead.client) or []
    wanted = lead.options.caps or {one["id"]: 0 for one in books if one["spent"]}
    dry = [one["id"] for one in books if one["id"] in wanted and one["available"] <= 0]
    run.extra["dry"] = dry
    missed = sorted(set(lead.options.caps) - set(dry))
    run.checks.append(Check(
        "budgets ran dry under load", None if not dry else True,
        f"dry: {', '.join(dry) or 'none, so this run proves little; lower a cap with --cap'}"
        + (f"; not dry: {', '.join(missed)}" if missed else ""),
    ))


install(Scenario("flash_sale", customers=600, after=ran_dry))
