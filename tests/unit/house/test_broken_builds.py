"""The broken builds still fit the source: their text is there once, their tests exist, no invariant is left out."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest
from broken_builds.builds import BUILDS, INVARIANTS, Build

ROOT = Path(__file__).resolve().parents[3]
EACH_BUILD = pytest.mark.parametrize("build", BUILDS, ids=lambda build: f"{build.invariant}: {build.breaks}")


@EACH_BUILD
def test_the_text_that_a_build_replaces_stands_once_in_the_product(build: Build) -> None:
    source = (ROOT / build.file).read_text()
    assert source.count(build.old) == 1, f"renew this build: {build.old!r} in {build.file}"
    assert build.new != build.old
    compile(source.replace(build.old, build.new), build.file, "exec")


@EACH_BUILD
def test_the_tests_that_catch_a_build_exist(build: Build) -> None:
    assert build.caught_by
    for test in build.caught_by:
        file, _, name = test.partition("::")
        source = (ROOT / file).read_text()
        names = {node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)}
        assert not name or name.partition("[")[0] in names, test


def test_every_invariant_has_two_broken_builds_or_more() -> None:
    counted = Counter(build.invariant for build in BUILDS)
    assert set(counted) == set(INVARIANTS) == set(range(1, 13))
    assert min(counted.values()) >= 2


def test_no_two_builds_are_the_same() -> None:
    assert len({(build.file, build.old, build.new) for build in BUILDS}) == len(BUILDS)
    assert len({build.breaks for build in BUILDS}) == len(BUILDS)


def test_the_readme_tells_which_test_caught_which_build() -> None:
    told = (ROOT / "tests" / "README.md").read_text()
    rows = [line.split("|") for line in told.splitlines() if line.startswith("| ")]
    table = {cells[2].strip(): cells[3] for cells in rows if len(cells) == 5}
    for build in BUILDS:
        assert build.breaks in table
        assert table[build.breaks].split("`")[1::2] == [test.removeprefix("tests/") for test in build.caught_by]
