"""`kairos demo`: it makes its directory anew, and touches nobody else's."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.cli import demo
from models.errors import BadInput


def test_a_directory_that_the_demo_made_is_made_anew(tmp_path: Path) -> None:
    demo._make_anew(tmp_path / "data")
    (tmp_path / "data" / "old").write_text("x")
    demo._make_anew(tmp_path / "data")
    assert [path.name for path in (tmp_path / "data").iterdir()] == [demo._MARK]


def test_a_directory_of_somebody_else_is_never_removed(tmp_path: Path) -> None:
    (tmp_path / "installation.json").write_text("{}")
    with pytest.raises(BadInput, match="did not make"):
        demo._make_anew(tmp_path)
    assert (tmp_path / "installation.json").exists()


@pytest.mark.parametrize(("said", "meant"), [("300", 300), ("1", 1), ("all", None)])
def test_households_are_a_number_or_all(said: str, meant: int | None) -> None:
    assert demo._count(said) == meant


@pytest.mark.parametrize("said", ["0", "-1", "many", "1.5", ""])
def test_any_other_number_of_households_is_refused(said: str) -> None:
    with pytest.raises(BadInput, match="--households"):
        demo._count(said)
