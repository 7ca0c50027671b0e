"""CEL rules: compiled once, evaluated without ever raising. Called by ``compile``, ``profile`` and ``arbitration``."""

from __future__ import annotations

import math
from typing import Any, Final

import cel

from models import limits
from models.catalog.plan import Rule
from models.catalog.tokens import reads

#: Names that a rule may read.
ROOTS: Final = ("profile", "segments", "context", "event", "world", "now")
#: Names of types, which the engine takes for variables: ``type(x) == int``.
TYPE_NAMES: Final = frozenset({"bool", "bytes", "double", "int", "list", "map", "null_type", "string", "uint"})
#: Functions that the engine knows (operators aside). Each is a function of its arguments alone.
FUNCTIONS: Final = frozenset({
    "bytes", "contains", "double", "duration", "dyn", "endsWith", "getDate", "getDayOfMonth", "getDayOfWeek",
    "getDayOfYear", "getFullYear", "getHours", "getMilliseconds", "getMinutes", "getMonth", "getSeconds", "int",
    "matches", "size", "startsWith", "string", "timestamp", "type", "uint",
})
_LEAVE: Final = (KeyboardInterrupt, SystemExit, GeneratorExit)
_ERROR_CHARS_MAX: Final = 300


def rule_context() -> cel.Context:
    """An empty context; set ``profile``, ``segments``, ``context``, ``event``, ``world`` and ``now`` on it.

    One context may serve many rules; it converts its variables once, at the first rule after a change.
    """
    return cel.Context()


def refusal(source: str) -> str:
    """Why a rule cannot even be handed to the engine: too long, or too many comprehensions; "" when it can."""
    if len(source) > limits.RULE_CHARS_MAX:
        return f"the rule has {len(source)} characters, more than {limits.RULE_CHARS_MAX}; split it, or name a segment"
    if not source.strip():
        return "the rule is empty; leave the key out, or write true"
    count = reads(source).comprehensions
    if count > limits.RULE_COMPREHENSIONS_MAX:
        return (
            f"the rule has {count} comprehensions (all, exists, exists_one, map, filter), more than "
            f"{limits.RULE_COMPREHENSIONS_MAX}; split it over segments"
        )
    return ""


def compile_rule(source: str, index: int) -> Rule:
    """A rule that passed ``refusal`` -> its program and what it reads. Raises ValueError with the engine's words."""
    program = compile_program(source)
    found = reads(source)
    return Rule(
        index=index, source=source, program=program, profile_fields=found.of("profile"), segments=found.of("segments"),
        roots=frozenset(root for root in ROOTS if root in found.fields),
    )


def compile_program(source: str) -> cel.Program:
    """Raises ValueError whatever the engine throws, its panics included."""
    try:
        return cel.compile(source)
    except _LEAVE:
        raise
    except BaseException as error:  # the engine's panics are no Exception
        raise ValueError(f"the rule does not compile: {_words(error)}") from None


def strange_names(source: str, program: cel.Program) -> tuple[list[str], list[str]]:
    """Roots and functions that no rule has: (unknown variables, unknown functions)."""
    found = reads(source).fields
    roots = [name for name in found if name not in ROOTS and name not in TYPE_NAMES]
    # What the engine sees and the tokens do not (a leading dot) is refused too.
    roots += [name for name in program.variables() if name.startswith(".") and name not in roots]
    functions = [name for name in program.functions() if name[:1] not in "_@!-" and name not in FUNCTIONS]
    return roots, functions


def _words(error: BaseException) -> str:
    """The engine's message on one line; a missing field is named."""
    if isinstance(error, KeyError):
        return f"no such field: {error.args[0] if error.args else ''}"
    lines = [line for line in str(error).splitlines() if line.strip() and not line.startswith("|")]
    text = " ".join(" ".join(lines).split())
    # A syntax error begins with the whole expression; what helps is the place (line:column) and the words after it.
    text = text.split("ERROR: <input>:", 1)[-1].replace("ERROR: <input>:", "at ")
    return (text or type(error).__name__)[:_ERROR_CHARS_MAX]


def _execute(rule: Rule, context: cel.Context) -> tuple[Any, str]:
    try:
        return rule.program.execute(context), ""
    except _LEAVE:
        raise
    except BaseException as error:  # the engine's panics are no Exception
        return None, _words(error)


def evaluate_or_error(rule: Rule, context: cel.Context) -> tuple[bool, str]:
    """The rule's answer and ""; or False and why it erred (what is not a bool errs too)."""
    value, error = _execute(rule, context)
    if error:
        return False, error
    if value is True or value is False:
        return value, ""
    return False, f"the rule gave {type(value).__name__}, not a bool"


def evaluate(rule: Rule, context: cel.Context) -> bool:
    """The rule's answer; False when it errs."""
    return evaluate_or_error(rule, context)[0]


def number(rule: Rule, context: cel.Context) -> tuple[float, str]:
    """The rule's number (finite, not negative) and ""; or 1.0 and why it erred."""
    value, error = _execute(rule, context)
    if error:
        return 1.0, error
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 1.0, f"the rule gave {type(value).__name__}, not a number"
    if not math.isfinite(value) or value < 0:
        return 1.0, f"the rule gave {value}; a weight is finite and not negative"
    return float(value), ""
