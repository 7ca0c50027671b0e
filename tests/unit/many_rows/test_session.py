"""`kairos train --ray`: what it needs is named, and what does not go together is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner
from unit.many_rows.rows_on_disk import folder

from cluster.cli import app
from cluster.many_rows import session
from models.errors import KairosError


def test_without_ray_data_and_ray_train_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "find_spec", lambda name: None)
    with pytest.raises(KairosError, match=r"pip install kairos-decisioning\[train\]"):
        session.refuse_without_libraries()


@pytest.mark.parametrize("wrong", [["--ray"], ["--workers", "2"], ["--address", "10.0.0.1:6379"]])
def test_flags_of_ray_go_together(tmp_path: Path, wrong: list[str]) -> None:
    rows = [] if wrong == ["--ray"] else ["--rows", str(folder(tmp_path / "rows", 30))]
    done = CliRunner().invoke(app, ["train", "--data-dir", str(tmp_path), *rows, *wrong])
    assert done.exit_code == 2
    assert "--ray goes with" in done.output
