"""Two catalogs line by line: what was taken out, what was put in, with the lines around it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from models import limits

_AROUND: Final = 3


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a line; ``marked``: it is what differs from the line beside it."""

    text: str
    marked: bool


@dataclass(frozen=True, slots=True)
class Side:
    number: int
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """``same``, ``changed``, ``removed`` (no ``new``), ``added`` (no ``old``)."""

    kind: str
    old: Side | None
    new: Side | None


@dataclass(frozen=True, slots=True)
class Diff:
    #: Runs of rows that lie together.
    hunks: tuple[tuple[Row, ...], ...]
    added: int
    removed: int
    #: Rows that differ, beyond those that a page shows.
    left_out: int

    @property
    def is_empty(self) -> bool:
        return not self.hunks


def diff(old: str, new: str) -> Diff:
    """Of two texts. Large changed parts are taken out and put in as wholes rather than compared line with line."""
    before, after = old.splitlines(), new.splitlines()
    opcodes = _opcodes(before, after)
    hunks, shown, left_out = [], 0, 0
    for group in _groups(opcodes):
        rows = [row for code in group for row in _rows(code, before, after)]
        room = max(0, limits.CONSOLE_DIFF_ROWS_MAX - shown)
        left_out += sum(row.kind != "same" for row in rows[room:])
        shown += len(rows)
        if rows[:room]:
            hunks.append(tuple(rows[:room]))
    added = sum(j2 - j1 for tag, _, _, j1, j2 in opcodes if tag != "equal")
    removed = sum(i2 - i1 for tag, i1, i2, _, _ in opcodes if tag != "equal")
    return Diff(tuple(hunks), added, removed, left_out)


_Opcode = tuple[str, int, int, int, int]


def _opcodes(before: Sequence[str], after: Sequence[str]) -> list[_Opcode]:
    """As ``difflib`` has them; what both begin and end with is not compared again."""
    head = _common(before, after)
    tail = _common(before[head:][::-1], after[head:][::-1])
    old, new = before[head: len(before) - tail], after[head: len(after) - tail]
    if len(old) + len(new) > limits.CONSOLE_DIFF_COMPARED_MAX:
        inner: list[_Opcode] = [("replace", 0, len(old), 0, len(new))]
    else:
        inner = list(difflib.SequenceMatcher(None, old, new).get_opcodes())
    shifted = [(tag, i1 + head, i2 + head, j1 + head, j2 + head) for tag, i1, i2, j1, j2 in inner]
    ends = (len(before) - tail, len(before), len(after) - tail, len(after))
    found = [("equal", 0, head, 0, head), *shifted, ("equal", *ends)]
    return [code for code in found if code[2] > code[1] or code[4] > code[3]]


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count


def _groups(opcodes: Sequence[_Opcode]) -> Iterator[list[_Opcode]]:
    """Changes with the lines around them; those that are near one another together."""
    group: list[_Opcode] = []
    for place, (tag, i1, i2, j1, j2) in enumerate(opcodes):
        if tag != "equal":
            group.append((tag, i1, i2, j1, j2))
            continue
        is_last = place == len(opcodes) - 1
        if group and (is_last or i2 - i1 > 2 * _AROUND):
            group.append((tag, i1, min(i2, i1 + _AROUND), j1, min(j2, j1 + _AROUND)))
            yield group
            group = []
        if not is_last:
            first = (tag, i1, i2, j1, j2) if group else (tag, max(i1, i2 - _AROUND), i2, max(j1, j2 - _AROUND), j2)
            group.append(first)
    if any(code[0] != "equal" for code in group):
        yield group


def _rows(code: _Opcode, before: Sequence[str], after: Sequence[str]) -> Iterator[Row]:
    tag, i1, i2, j1, j2 = code
    for at in range(max(i2 - i1, j2 - j1)):
        left, right = i1 + at, j1 + at
        if tag == "equal":
            yield Row("same", _side(left, before[left]), _side(right, after[right]))
        elif left < i2 and right < j2:
            yield _changed(left, right, before[left], after[right])
        elif left < i2:
            yield Row("removed", _side(left, before[left]), None)
        else:
            yield Row("added", None, _side(right, after[right]))


def _side(index: int, text: str) -> Side:
    return Side(index + 1, (Piece(text, False),))


def _changed(left: int, right: int, old: str, new: str) -> Row:
    """Within the two lines, what they begin and end with alike is not marked; words are marked whole."""
    head = _common(old, new)
    while head and _in_word(old, head):
        head -= 1
    tail = _common(old[head:][::-1], new[head:][::-1])
    while tail and _in_word(old, len(old) - tail):
        tail -= 1
    return Row("changed", Side(left + 1, _pieces(old, head, tail)), Side(right + 1, _pieces(new, head, tail)))


def _in_word(text: str, at: int) -> bool:
    """Whether a word goes on before and behind this place; where the text ends, whether it ends in one."""
    before, behind = text[at - 1: at], text[at: at + 1]
    return (before.isalnum() or before == "_") and (not behind or behind.isalnum() or behind == "_")


def _pieces(text: str, head: int, tail: int) -> tuple[Piece, ...]:
    end = len(text) - tail
    cut = (Piece(text[:head], False), Piece(text[head:end], True), Piece(text[end:], False))
    return tuple(piece for piece in cut if piece.text)
