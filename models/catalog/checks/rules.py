"""Every rule of the catalog: bounded, tried, compiled, and reading only what is declared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.catalog.checks.names import Names, declared_names
from models.catalog.faults import Faults, Path, suggestion, unknown
from models.catalog.plan import SCORES
from models.catalog.rules import FUNCTIONS, ROOTS, compile_program, refusal, strange_names
from models.catalog.shape import Shaped
from models.catalog.tokens import reads

_ACTION_RULES = ("eligibility", "applicability", "suitability", "context_weight")


@dataclass(frozen=True, slots=True)
class _Place:
    path: Path
    source: str
    #: The segments that this rule may read; None for all.
    segments: frozenset[str] | None = None


def check_rules(shaped: Shaped, faults: Faults, trial: Callable[[Sequence[str]], Mapping[str, str]] | None) -> None:
    """Each rule is bounded first, then tried (in a child process, if there is a trial), and only then compiled here."""
    names = declared_names(shaped.raw)
    places = list(_places(shaped, names))
    bounded = {source: refusal(source) for source in {place.source: None for place in places}}
    sound = [source for source, error in bounded.items() if not error]
    tried: dict[str, str] = dict(trial(sound)) if trial and sound else {}
    judged = {source: [tried[source]] if tried.get(source) else _compiled(source) for source in sound}
    for place in places:
        for message in [bounded[place.source]] if bounded[place.source] else judged[place.source]:
            faults.add(place.path, message)
        if place.source in judged:
            _fields(place, names, faults)


def _places(shaped: Shaped, names: Names) -> Iterator[_Place]:
    earlier: set[str] = set()
    for path, segment in shaped.items("segments"):
        yield _Place((*path, "when"), segment.when, frozenset(earlier))
        earlier.add(segment.id)
    for index, action in enumerate(shaped.catalog.actions):
        for key in _ACTION_RULES:
            yield from _given(getattr(action, key), shaped.path("actions", index, key))
        for path, treatment in shaped.children(("actions", index, "treatments"), action.treatments):
            yield from _given(treatment.when, (*path, "when"))
    for path, policy in shaped.items("contact_policies"):
        yield from _given(policy.after.when if policy.after else None, (*path, "after", "when"))
    for path, trigger in shaped.items("triggers"):
        yield from _given(trigger.when, (*path, "when"))


def _given(source: str | None, path: Path) -> Iterator[_Place]:
    if source is not None:
        yield _Place(path, source)


def _compiled(source: str) -> list[str]:
    """What the engine and the names say against a rule."""
    try:
        program: Any = compile_program(source)
    except ValueError as error:
        return [str(error)]
    roots, functions = strange_names(source, program)
    return [unknown("name", name, ROOTS) for name in roots] + [
        unknown("function", name, FUNCTIONS) for name in functions
    ]


def _fields(place: _Place, names: Names, faults: Faults) -> None:
    found = reads(place.source)
    declared = names.declared["attribute"] | names.declared["feature"]
    if SCORES not in declared:
        for name in sorted(found.scores or ()):
            names.expect("target", name, place.path, faults)
    scores = {SCORES} if found.scores or names.declared["target"] else set()
    for name in sorted(found.of("profile") or ()):
        if name not in declared | scores:
            message = f"profile.{name} is neither attribute nor feature; {suggestion(name, declared)}"
            faults.add(place.path, message)
    segments = found.of("segments")
    for name in sorted(segments or ()):
        if name not in names.declared["segment"]:
            faults.add(place.path, unknown("segment", name, names.declared["segment"]))
        elif place.segments is not None and name not in place.segments:
            faults.add(place.path, f"a segment reads only earlier ones; move {name!r} above this one")
    if place.segments is None:
        return
    if segments is None:
        faults.add(place.path, "a segment reads earlier segments one by one, like segments.loyal")
    for root in ("context", "event"):
        if root in found.fields:
            faults.add(place.path, f"a segment belongs to the customer and knows no {root}; read it where it is used")
