"""As much of PromQL as dashboards and alerts here use: which series an expression selects, by which labels, and whether
its brackets and words are right."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

FUNCTIONS = {"absent", "changes", "histogram_quantile", "increase", "max", "min", "rate", "sum"}
_TOKEN = re.compile(r"""
    \s+ | (?P<string>"[^"\\]*") | (?P<range>\[(?:\d+[smhd]|\$__rate_interval)\]) | (?P<number>\d+(?:\.\d+)?)
    | (?P<word>[a-zA-Z_][a-zA-Z0-9_]*) | (?P<operator>==|!=|=~|!~|>=|<=|[-+*/<>=]) | (?P<mark>[(){},])
""", re.VERBOSE)
#: Only what is counted may go through these.
RATES = {"rate", "increase"}


@dataclass
class Selected:
    """One series in an expression."""

    metric: str
    #: Label -> what it is compared with, with the operator.
    matchers: dict[str, tuple[str, str]] = field(default_factory=dict)
    has_range: bool = False
    #: The function right around it.
    within: str = ""


@dataclass
class Parsed:
    series: list[Selected] = field(default_factory=list)
    #: Labels that results are grouped by.
    grouped: set[str] = field(default_factory=set)


class Malformed(ValueError):
    pass


def parse(expression: str) -> Parsed:
    tokens = _tokens(expression)
    parsed, at, functions = Parsed(), 0, [""]
    while at < len(tokens):
        kind, text = tokens[at]
        following = tokens[at + 1][1] if at + 1 < len(tokens) else ""
        if kind == "word" and text == "by":
            at = _labels(tokens, at + 1, parsed.grouped)
            continue
        if kind == "word" and text in FUNCTIONS:
            if following == "by":
                at = _labels(tokens, at + 2, parsed.grouped)
            else:
                at += 1
            if at >= len(tokens) or tokens[at][1] != "(":
                raise Malformed(f"{text} is a function: {expression}")
            functions.append(text)
        elif kind == "word":
            one = Selected(text, within=functions[-1])
            at = _matchers(tokens, at + 1, one) if following == "{" else at + 1
            if at < len(tokens) and tokens[at][0] == "range":
                one.has_range, at = True, at + 1
            parsed.series.append(one)
            continue
        elif text == "(":
            functions.append(functions[-1])
        elif text == ")":
            if len(functions) == 1:
                raise Malformed(f"one bracket too many: {expression}")
            functions.pop()
        elif text in "{}[]":
            raise Malformed(f"{text} out of place: {expression}")
        at += 1
    if len(functions) != 1:
        raise Malformed(f"a bracket is open: {expression}")
    return parsed


def _tokens(expression: str) -> list[tuple[str, str]]:
    tokens, at = [], 0
    while at < len(expression):
        found = _TOKEN.match(expression, at)
        if found is None:
            raise Malformed(f"cannot be read at {expression[at:at + 20]!r}: {expression}")
        if found.lastgroup:
            tokens.append((found.lastgroup, found[0]))
        at = found.end()
    return tokens


def _labels(tokens: list[tuple[str, str]], at: int, labels: set[str]) -> int:
    """``(a, b)``; returns the place after it."""
    while tokens[at][1] != ")":
        if tokens[at][0] == "word":
            labels.add(tokens[at][1])
        at += 1
    return at + 1


def _matchers(tokens: list[tuple[str, str]], at: int, one: Selected) -> int:
    at += 1
    while tokens[at][1] != "}":
        (_, label), (_, operator), (kind, value) = tokens[at:at + 3]
        if kind != "string" or operator not in ("=", "!=", "=~", "!~"):
            raise Malformed(f"{label}{operator}{value} is no matcher")
        one.matchers[label] = (operator, value[1:-1])
        at += 3
        if tokens[at][1] == ",":
            at += 1
    return at + 1
