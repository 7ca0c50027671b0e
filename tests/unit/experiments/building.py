"""Catalogs with experiments, and customers to meet them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from models.catalog.check import check_text
from models.catalog.compile.experiments import compile_experiments
from models.catalog.plan import Plan
from models.catalog.schema.catalog import Catalog
from models.catalog.schema.experiments import Experiment
from models.catalog.source import load_text
from models.experiments.definition import Experiments

EXAMPLE = Path(__file__).resolve().parents[3] / "cluster" / "example_catalog.yaml"


@cache
def plan_with(*lines: str) -> Plan:
    """The packaged example with these experiments, each a flow mapping without its braces."""
    written = "".join(f"  - {{{line}}}\n" for line in lines)
    return check_text(f"{EXAMPLE.read_text()}\nexperiments:\n{written}" if lines else EXAMPLE.read_text())


def experiments(*lines: str) -> Experiments:
    """The same alone, of a catalog that was checked: compiling a whole one takes a tenth of a second."""
    written = [Experiment.model_validate(load_text(f"{{{line}}}")[0]) for line in lines]
    return compile_experiments(Catalog.model_construct(experiments=written))


def experiment(
    id_: str = "x", share: float = 1.0, weights: Iterable[int] = (1, 1), namespace: str = "default", rest: str = "",
) -> str:
    """Variants are called a, b, c, ...; the first is the control."""
    variants = ", ".join(f"{{id: {chr(97 + at)}, weight: {weight}}}" for at, weight in enumerate(weights))
    more = f", {rest}" if rest else ""
    return f"id: {id_}, namespace: {namespace}, share: {share}, variants: [{variants}]{more}"
