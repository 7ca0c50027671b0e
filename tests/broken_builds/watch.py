"""A pytest plugin: writes what failed, by what, and whose code was imported, to the file that ``REPORT`` names."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final

import pytest

REPORT: Final = "BROKEN_BUILDS_REPORT"
PRODUCT: Final = ("models", "actors", "cluster")
#: A test that ends so found out that the build does not run, not that it breaks a promise.
_NOT_RUNNING: Final = (ImportError, SyntaxError, NameError)

_seen: dict[str, Any] = {"passed": 0, "failed": [], "errors": []}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    report = yield
    if report.failed:
        error = call.excinfo.value if call.excinfo else None
        is_verdict = report.when == "call" and not isinstance(error, _NOT_RUNNING)
        said = f"{type(error).__name__}: {error}".partition("\n")[0]
        _seen["failed" if is_verdict else "errors"].append([item.nodeid, said])
    elif report.when == "call" and report.passed:
        _seen["passed"] += 1
    return report


def pytest_collectreport(report: pytest.CollectReport) -> None:
    if report.failed:
        _seen["errors"].append([report.nodeid, "does not collect"])


def pytest_sessionfinish() -> None:
    imported = {name: module.__file__ for name in PRODUCT if (module := sys.modules.get(name)) is not None}
    Path(os.environ[REPORT]).write_text(json.dumps({**_seen, "imported": imported}))
