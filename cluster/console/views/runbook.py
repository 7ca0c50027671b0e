"""The failures that ``cluster/OPERATIONS.md`` describes, as text that a page can show: the file is packaged with the
product, and its markdown is the little that is used there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal

OPERATIONS: Final = Path(__file__).resolve().parents[2] / "OPERATIONS.md"
_CHAPTER: Final = "## Failures"
_SPAN: Final = re.compile(r"`([^`]+)`|\*\*([^*]+)\*\*|\[([^\]]+)\]\([^)]*\)")


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a line: ``plain``, ``code`` or ``strong``. A link is the plain text of it: it leads to a file."""

    kind: Literal["plain", "code", "strong"]
    text: str


Line = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """``text``: one paragraph, in ``lines[0]``. ``code``: lines of commands. ``table``: the first row is its header."""

    kind: Literal["text", "code", "table"]
    lines: tuple[Line, ...] = ()
    code: str = ""
    rows: tuple[tuple[Line, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    #: Where the page of the runbook has it: ``#anchor``.
    anchor: str
    blocks: tuple[Block, ...]
    #: As it stands in the file, white space as single spaces.
    source: str


@lru_cache(maxsize=1)
def runbook() -> Mapping[str, Section]:
    """Title -> section, in the order of the file; read once."""
    return sections_of(OPERATIONS.read_text(encoding="utf-8"))


def sections_of(text: str) -> dict[str, Section]:
    """The sections (``###``) of the chapter about failures."""
    _, _, chapter = text.partition(f"{_CHAPTER}\n")
    chapter = re.split(r"(?m)^## ", chapter)[0]
    found = {}
    for part in re.split(r"(?m)^### ", chapter)[1:]:
        title, _, body = part.partition("\n")
        found[title.strip()] = Section(
            title.strip(), anchor(title), tuple(_blocks(body)), " ".join(body.split()),
        )
    return found


def anchor(title: str) -> str:
    """As the pages of code hosts make it: small letters, words joined by hyphens."""
    return re.sub(r"[^a-z0-9 -]", "", title.strip().lower()).replace(" ", "-")


def line_of(text: str) -> Line:
    """A line of markdown in pieces."""
    spans, at = [], 0
    for found in _SPAN.finditer(text):
        if found.start() > at:
            spans.append(Span("plain", text[at:found.start()]))
        code, strong, link = found.groups()
        spans.append(Span("code", code) if code else Span("strong", strong) if strong else Span("plain", link))
        at = found.end()
    if at < len(text):
        spans.append(Span("plain", text[at:]))
    return tuple(spans)


def _blocks(body: str) -> Iterator[Block]:
    fenced = re.split(r"(?m)^```\w*\n(.*?)^```\n?", body, flags=re.S)
    for place, part in enumerate(fenced):
        if place % 2:
            yield Block("code", code=part.rstrip("\n"))
            continue
        for paragraph in re.split(r"\n\s*\n", part.strip()):
            if paragraph.startswith("|"):
                yield Block("table", rows=tuple(_rows(paragraph)))
            elif paragraph:
                yield Block("text", lines=(line_of(" ".join(paragraph.split())),))


def _rows(table: str) -> Iterator[tuple[Line, ...]]:
    for place, row in enumerate(table.splitlines()):
        if place != 1:
            yield tuple(line_of(cell.strip()) for cell in row.strip().strip("|").split("|"))
