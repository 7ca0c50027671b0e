"""What a rule reads, found from its tokens: the rule engine names only the roots, not the fields.

Respects string literals, comments and the variables that comprehensions bind. Where a field cannot be told
(``profile`` handed on as a whole, or indexed by an expression) the answer is "everything".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

MACROS: Final = frozenset({"all", "exists", "exists_one", "existsOne", "map", "filter"})
_SCORES: Final = ("profile", "scores")
_WORDS: Final = frozenset({"true", "false", "null", "in"})
_TOKEN: Final = re.compile(
    r"""
    (?P<skip>\s+|//[^\n]*)
  | (?P<string>[bB]?[rR]?(?:'''(?:\\.|[^\\])*?'''|\"\"\"(?:\\.|[^\\])*?\"\"\"|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"))
  | (?P<number>0[xX][0-9a-fA-F]+[uU]?|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?[uU]?)
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<mark>.)
    """,
    re.VERBOSE | re.DOTALL,
)
#: A raw string ends at the first quote: a backslash in it is only a backslash.
_RAW_STRING: Final = re.compile(r"""[bB]?[rR](?P<quote>'''|\"\"\"|'|").*?(?P=quote)""", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Token:
    #: "string" | "number" | "name" | "mark"
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Reads:
    """Names that a rule reads: root -> its fields, or None where the root is read as a whole."""

    fields: dict[str, frozenset[str] | None]
    comprehensions: int
    #: Names read as ``profile.scores.x``; None where ``profile.scores`` is read as a whole.
    scores: frozenset[str] | None = frozenset()

    def of(self, root: str) -> frozenset[str] | None:
        """The fields read of ``root``: empty when it is not read at all, None when it is read as a whole."""
        return self.fields.get(root, frozenset())


def tokens(source: str) -> list[Token]:
    """The tokens of a rule, without spaces and comments. Never fails: what is odd becomes a mark."""
    found = []
    position = 0
    while position < len(source):
        raw = _RAW_STRING.match(source, position)
        match = raw or _TOKEN.match(source, position)
        assert match is not None
        kind = "string" if raw else str(match.lastgroup)
        if kind != "skip":
            found.append(Token(kind, match.group()))
        position = match.end()
    return found


def string_value(text: str) -> str | None:
    """The text of a simple string literal; None when it has escapes, or is bytes."""
    if "\\" in text or text[0] in "bB":
        return None
    body = text[1:] if text[0] in "rR" else text
    quotes = 3 if body[:3] in ("'''", '"""') and len(body) >= 6 else 1
    return body[quotes:-quotes]


def reads(source: str) -> Reads:
    """Which names the rule reads, and how many comprehensions it holds."""
    found: dict[str, frozenset[str] | None] = {}
    scores: dict[str, frozenset[str] | None] = {}
    stream = tokens(source)
    comprehensions = 0
    #: One entry per open bracket: the variable that a comprehension binds inside it, or "".
    scopes: list[str] = []
    for at, token in enumerate(stream):
        text = token.text
        if token.kind == "mark" and text in "([{":
            bound = _bound(stream, at) if text == "(" else ""
            comprehensions += bool(bound)
            scopes.append(bound)
        elif token.kind == "mark" and text in ")]}" and scopes:
            scopes.pop()
        elif token.kind == "name" and _is_root(stream, at) and text not in scopes:
            name = _field(stream, at)
            _note(found, text, name)
            if (text, name) == _SCORES:
                _note(scores, text, _field(stream, at + (2 if _text(stream, at + 1) == "." else 3)))
    return Reads(found, comprehensions, scores.get("profile", frozenset()))


def _text(stream: list[Token], at: int, kind: str = "mark") -> str:
    """The text of a token of that kind; "" when there is none there."""
    return stream[at].text if 0 <= at < len(stream) and stream[at].kind == kind else ""


def _bound(stream: list[Token], at: int) -> str:
    """The variable bound by the comprehension whose bracket opens at ``at``; "" when it opens none."""
    is_macro = _text(stream, at - 1, "name") in MACROS and _text(stream, at - 2) == "."
    return _text(stream, at + 1, "name") if is_macro and _text(stream, at + 2) == "," else ""


def _is_root(stream: list[Token], at: int) -> bool:
    """A variable: no word of the language, no member, no function. A leading dot means the root scope."""
    if stream[at].text in _WORDS or _text(stream, at + 1) == "(":
        return False
    if _text(stream, at - 1) != ".":
        return True
    before = stream[at - 2] if at >= 2 else None
    return before is None or (before.kind == "mark" and before.text not in ")]}") or before.text == "in"


def _field(stream: list[Token], at: int) -> str | None:
    """The field read of the root at ``at``: ``root.x`` or ``root['x']``; None when it cannot be told."""
    if _text(stream, at + 1) == ".":
        # A method on the whole root (``profile.map(...)``) reads everything.
        return None if _text(stream, at + 3) == "(" else _text(stream, at + 2, "name") or None
    if _text(stream, at + 1) == "[" and _text(stream, at + 3) == "]":
        literal = _text(stream, at + 2, "string")
        return string_value(literal) if literal else None
    return None


def _note(found: dict[str, frozenset[str] | None], root: str, name: str | None) -> None:
    fields = found.get(root, frozenset())
    found[root] = None if name is None or fields is None else fields | {name}
