"""An installation has the console's templates, scripts and styles, and the runbook that its pages quote."""

from __future__ import annotations

import glob
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PATTERNS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["cluster"]


def test_everything_that_the_pages_are_made_of_is_packaged() -> None:
    """By the patterns as setuptools reads them: from the package's folder, ``**`` through any depth."""
    packaged = {name for pattern in PATTERNS for name in glob.glob(pattern, root_dir=ROOT / "cluster", recursive=True)}
    console = ROOT / "cluster/console"
    wanted = {
        path.relative_to(ROOT / "cluster").as_posix()
        for folder in ("templates", "static") for path in (console / folder).rglob("*") if path.is_file()
    }
    assert wanted - packaged == set()
    assert len(wanted) > 20
    assert "OPERATIONS.md" in packaged
