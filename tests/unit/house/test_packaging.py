"""What is installed is what is listed, under the names that we chose."""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
from pathlib import Path

from cluster import preflight

ROOT = Path(__file__).resolve().parents[3]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_every_package_folder_is_listed_and_every_listed_one_exists() -> None:
    found = {
        str(init.parent.relative_to(ROOT)).replace("/", ".")
        for top in preflight.PACKAGES for init in (ROOT / top).rglob("__init__.py")
    }
    assert set(PYPROJECT["tool"]["setuptools"]["packages"]) == found


def test_the_tested_packages_are_the_installed_distribution() -> None:
    owners = importlib.metadata.packages_distributions()
    for package in preflight.PACKAGES:
        assert set(owners.get(package, [])) == {preflight.DISTRIBUTION}


def test_the_console_script_is_kairos() -> None:
    scripts = importlib.metadata.distribution(preflight.DISTRIBUTION).entry_points.select(group="console_scripts")
    assert [(script.name, script.value) for script in scripts] == [("kairos", "cluster.cli:main")]


def test_a_foreign_owner_of_our_names_is_reported(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(
        importlib.metadata, "packages_distributions", lambda: {"models": ["kairos-decisioning", "some-framework"]},
    )
    findings = {finding.check: finding for finding in preflight.shadowed()}
    assert not findings["package models"].ok
    assert "some-framework" in findings["package models"].detail
    assert findings["package actors"].ok


def test_every_locked_package_has_a_hash() -> None:
    for name in ("requirements.lock", "requirements-dev.lock", "data.lock", "build.lock"):
        text = (ROOT / name).read_text()
        pins = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE | re.IGNORECASE)[1:]
        assert pins, name
        assert [pin for pin in pins if "--hash=sha256:" not in pin] == []


def test_no_tracked_file_names_a_package_index() -> None:
    shape = re.compile(r"(index-url|find-links|trusted-host)\s*[=:]?\s*(https?|file)://")
    texts = [path for path in ROOT.glob("*") if path.is_file()]
    assert [str(path) for path in texts if shape.search(path.read_text(errors="replace"))] == []
