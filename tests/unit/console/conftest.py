"""What the tests of pages share."""

from __future__ import annotations

import pytest
from support import console_people
from support.console_browser import Browser


@pytest.fixture
def browser() -> Browser:
    """Signed in with everything, over an API that knows the people of ``console_people``."""
    found = Browser()
    found.api.answers |= console_people.answers()
    return found
