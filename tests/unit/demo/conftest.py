"""The demo's data, read once. It is skipped only where the data package is missing and nobody promised it."""

from __future__ import annotations

import importlib.util
import os

import pytest

from cluster.demo import stages
from cluster.demo.journey import PACKAGE, Journey, data_folder, read_journey


@pytest.fixture(scope="session")
def journey() -> Journey:
    if importlib.util.find_spec(PACKAGE) is None and not os.environ.get("CI"):
        pytest.skip(f"{PACKAGE} is not installed; CI installs it")
    return read_journey(data_folder())


@pytest.fixture(scope="session")
def cast(journey: Journey) -> stages.Cast:
    return stages.cast(journey, 40)
