"""The two ways in: a text that someone wrote, and a catalog that was checked before and logged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from models.catalog.checks import check_names, check_rules
from models.catalog.compile import compile_plan
from models.catalog.faults import BadCatalog, Faults, bad_catalog
from models.catalog.plan import Plan
from models.catalog.schema import Catalog
from models.catalog.shape import read_shape
from models.catalog.source import Lines, load_text

#: Compiles and runs rules where a crash does no harm: rule sources -> the error of each that fails.
Trial = Callable[[Sequence[str]], Mapping[str, str]]


def check_text(text: str, trial: Trial | None = None) -> Plan:
    """A catalog as YAML 1.2 or JSON -> its plan. Raises ``BadCatalog`` with every error at once.

    ``trial`` runs the rules in a child process first (``actors.rule_trial``); without one they compile here at once.
    """
    data, lines = load_text(text)
    return check_data(data, lines, trial)


def check_data(data: Any, lines: Lines | None = None, trial: Trial | None = None) -> Plan:
    """Like ``check_text`` for a catalog that is already plain data; without ``lines`` errors have no line."""
    faults = Faults()
    shaped = read_shape(data, faults)
    if shaped is not None:
        check_names(shaped, faults)
        check_rules(shaped, faults, trial)
    if faults:
        raise bad_catalog([(path, message, lines.line(path) if lines else None) for path, message in faults.items()])
    assert shaped is not None
    return compile_plan(shaped.catalog)


def compile_catalog(catalog: Mapping[str, Any]) -> Plan:
    """A catalog that was checked before (``Plan.catalog``, as logged) -> its plan. Raises ``BadCatalog``."""
    try:
        return compile_plan(Catalog.model_validate(dict(catalog)))
    except (ValidationError, ValueError, KeyError) as error:
        raise BadCatalog(f"a logged catalog does not compile: {error}") from error
