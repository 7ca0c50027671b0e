"""The two pictures of the README, taken before other tests bring customers of their own among the real households."""

from __future__ import annotations

import os
from pathlib import Path

from console.conftest import Opens
from support.browser import picture
from support.pages import go
from support.server import Server

PICTURES = Path(__file__).parents[2] / "cluster" / "console" / "pictures"


def test_pictures_of_now_and_of_why_are_taken(opens: Opens, shop: Server, tmp_path: Path) -> None:
    """Beside the console with KAIROS_PICTURES=1, else thrown away."""
    folder = PICTURES if os.environ.get("KAIROS_PICTURES") else tmp_path
    decided = [one for one in shop.get("/v1/live")["recent"] if one["chosen"]]
    now, _ = opens(width=1440, height=1000)
    go(now, "/now", window="all")
    now.locator("figure.chart canvas").first.wait_for()
    picture(now, folder / "now.png")
    why, _ = opens(width=1440, height=1000, scheme="dark")
    go(why, f"/why/{decided[0]['decision_id']}")
    picture(why, folder / "why.png")
    assert all((folder / f"{name}.png").stat().st_size > 20_000 for name in ("now", "why"))
