"""The source keeps its own rules. Numbers here only go down."""

from __future__ import annotations

import ast
import re
import statistics
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PRODUCT = sorted(path for folder in ("models", "actors", "cluster") for path in (ROOT / folder).rglob("*.py"))
EVERYTHING = sorted([*PRODUCT, *(ROOT / "tests").rglob("*.py"), *(ROOT / "loadtests").rglob("*.py")])
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
MEDIAN_LINES_MAX = 130


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(path.read_text())
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_no_file_is_longer_than_one_concept_needs() -> None:
    assert {str(p): n for p in EVERYTHING if (n := lines(p)) > FILE_LINES_MAX} == {}


def test_the_median_file_is_short() -> None:
    assert statistics.median(lines(path) for path in PRODUCT if path.name != "__init__.py") <= MEDIAN_LINES_MAX


def test_no_function_is_longer_than_a_screen() -> None:
    long = {
        f"{path.relative_to(ROOT)}:{node.name}": length
        for path in PRODUCT for node in functions(path)
        if node.end_lineno and (length := node.end_lineno - node.lineno + 1) > FUNCTION_LINES_MAX
    }
    assert long == {}


@pytest.mark.parametrize("path", PRODUCT, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text())), f"{path} has no docstring"


def test_no_error_is_swallowed_in_silence() -> None:
    silent = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in PRODUCT for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler) and all(isinstance(part, ast.Pass) for part in node.body)
    ]
    assert silent == []


def test_nothing_is_left_to_do_in_a_comment() -> None:
    wanted = re.compile(r"#.*\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3, "HA" + "CK")) + r")\b")
    assert [str(path) for path in EVERYTHING if wanted.search(path.read_text())] == []


def test_the_core_draws_no_time_and_no_chance_of_its_own() -> None:
    banned = re.compile(r"\b(datetime\.now|datetime\.utcnow|time\.time|perf_counter|random\.|np\.random|os\.environ)\b")
    found = [str(path) for path in PRODUCT if path.is_relative_to(ROOT / "models") and banned.search(path.read_text())]
    assert found == []


def test_nothing_is_unpickled() -> None:
    banned = re.compile(r"\b(pickle|cloudpickle|marshal|shelve)\b")
    assert [str(path) for path in PRODUCT if banned.search(path.read_text())] == []


def test_no_test_sleeps() -> None:
    banned = re.compile(r"\b(time|asyncio)\.sleep\((?!0\))")
    live = {"cluster", "support"}  # these wait for real processes
    fast = [path for path in (ROOT / "tests").rglob("*.py") if not live & set(path.relative_to(ROOT).parts)]
    assert [str(path) for path in fast if path != Path(__file__) and banned.search(path.read_text())] == []


def test_no_bound_hides_outside_the_limits() -> None:
    """A name that looks like a limit is defined in ``models/limits.py`` alone, or in the file beside it."""
    shape = re.compile(r"^[A-Z][A-Z_]*_MAX\b.*=", re.MULTILINE)
    assert [str(p) for p in PRODUCT if not p.name.startswith("limits") and shape.search(p.read_text())] == []
