"""Every colour of text can be read on every ground that it stands on, in both schemes (WCAG 2.2, AA)."""

from __future__ import annotations

import re

import pytest

from cluster.console.static_files import FOLDER

TOKENS = (FOLDER / "css/1-tokens.css").read_text()
GROUNDS = ("ground", "surface", "raised", "hover", "side", "side-here")
TINTED = ("good", "warn", "bad")
TEXT = [(ink, ground) for ink in ("text", "muted", "accent") for ground in GROUNDS]
TEXT += [(tone, ground) for tone in TINTED for ground in ("surface", "ground", "hover", f"{tone}-ground")]
TEXT += [("text", f"{tone}-ground") for tone in (*TINTED, "accent", "plain")] + [
    ("accent-strong", "accent-ground"), ("accent", "accent-ground"), ("on-accent", "accent"), ("muted", "plain-ground"),
    ("on-accent", "accent-strong"), ("chart-text", "surface"), ("text", "select"),
    ("on-bad", "bad-fill"),
    *(("accent", f"{tone}-ground") for tone in TINTED),
]
#: Drawings and the edges of fields.
DRAWN = [(f"chart-{n}", "surface") for n in range(1, 7)] + [
    ("edge", "surface"), ("focus", "surface"), ("focus", "ground"), *((f"{tone}-fill", "surface") for tone in TINTED),
]


def scheme(name: str) -> dict[str, str]:
    light, dark = TOKENS.split("@media (prefers-color-scheme: dark)")
    found = dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6});", light))
    return found if name == "light" else {**found, **dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6});", dark))}


def luminance(colour: str) -> float:
    parts = [int(colour[at:at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("name", ["light", "dark"])
def test_text_can_be_read(name: str) -> None:
    colours = scheme(name)
    assert {pair: ratio for pair in TEXT if (ratio := contrast(*(colours[part] for part in pair))) < 4.5} == {}


@pytest.mark.parametrize("name", ["light", "dark"])
def test_drawings_and_edges_can_be_seen(name: str) -> None:
    colours = scheme(name)
    assert {pair: ratio for pair in DRAWN if (ratio := contrast(*(colours[part] for part in pair))) < 3.0} == {}


def test_no_colour_stands_outside_the_tokens() -> None:
    colour = re.compile(r"#[0-9a-f]{3,8}\b|rgb\(")
    others = {path.name: path.read_text() for path in (FOLDER / "css").iterdir() if path.name != "1-tokens.css"}
    assert {name: found for name, text in others.items() if (found := colour.findall(text))} == {}
