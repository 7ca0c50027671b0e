"""Rules are tried in a child process before a catalog is published: what crashes the engine crashes the child only.

``python -m actors.rule_trial`` is that child: a JSON list of rules on standard input; for each, in order, one JSON
line on standard output, the complaint or "". It runs them on a stack smaller than any thread of a server.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import cel

from models import limits

_ROOT = Path(__file__).resolve().parents[1]
_COMMAND = [sys.executable, "-m", "actors.rule_trial"]


def try_rules(sources: Sequence[str]) -> dict[str, str]:
    """Compiles and runs every rule in a child process; returns the error of each rule that must not be published.

    A rule that ends the child is named, and the rest is tried in another child. All of it ends after ``RULE_TRIAL_S``.
    """
    deadline = time.monotonic() + limits.RULE_TRIAL_S
    errors: dict[str, str] = {}
    rest = list(dict.fromkeys(sources))
    while rest:
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            late = f"the rule was not tried: the trial took longer than {limits.RULE_TRIAL_S:g} s; simplify the rules"
            return errors | dict.fromkeys(rest, late)
        complaints, ending = _run_child(rest, left_s)
        errors.update({source: text for source, text in zip(rest, complaints, strict=False) if text})
        rest = rest[len(complaints) :]
        if rest:
            errors[rest[0]] = ending
            rest = rest[1:]
    return errors


def _run_child(sources: list[str], timeout_s: float) -> tuple[list[str], str]:
    """What the child said of each rule that it finished, and why it did not finish the next one."""
    search = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH", "")]))
    try:
        done = subprocess.run(
            _COMMAND, input=json.dumps(sources).encode(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            timeout=timeout_s, check=False, env={**os.environ, "PYTHONPATH": search},
        )
        output, ending = done.stdout, f"the rule ends the rule engine (status {done.returncode}); simplify it"
    except subprocess.TimeoutExpired as error:
        output, ending = error.stdout or b"", "the rule took too long in its trial; simplify it"
    whole_lines = output.decode().split("\n")[:-1]
    return [json.loads(line) for line in whole_lines], ending


def _complaint(source: str, context: cel.Context) -> str:
    """Only what the engine does not survive: a rule that it refuses is told so by the check, which may now try it."""
    try:
        cel.compile(source).execute(context)
    except Exception:
        return ""
    except BaseException as error:  # the engine's panics are no Exception
        return f"the rule makes the rule engine panic: {str(error)[:200]}; simplify it"
    return ""


def _context() -> cel.Context:
    context = cel.Context()
    for root in ("profile", "segments", "context", "event", "world"):
        context.add_variable(root, {})
    context.add_variable("now", datetime(2000, 1, 1, tzinfo=UTC))
    return context


def _try_all(sources: list[str]) -> None:
    context = _context()
    for source in sources:
        sys.stdout.write(json.dumps(_complaint(source, context)) + "\n")
        sys.stdout.flush()


def _child() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (limits.RULE_TRIAL_BYTES_MAX, limits.RULE_TRIAL_BYTES_MAX))
    sources = json.load(sys.stdin)
    threading.stack_size(limits.RULE_TRIAL_STACK_BYTES)
    worker = threading.Thread(target=_try_all, args=(sources,))
    worker.start()
    worker.join()


if __name__ == "__main__":
    _child()
