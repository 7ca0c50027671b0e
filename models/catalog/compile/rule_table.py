"""Every rule once, however many places use it."""

from __future__ import annotations

from dataclasses import replace

from models.catalog.plan import Rule
from models.catalog.rules import compile_rule
from models.catalog.schema.customer import Segment


class RuleTable:
    """Rules by source; a rule that reads a segment of the moment (one that reads ``now``) is of the moment itself."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []
        self._index: dict[str, int] = {}
        #: Segments whose rule is dynamic, themselves or through an earlier one.
        self._moving: dict[str, frozenset[str]] = {}

    def add(self, source: str | None) -> int:
        """The rule's index; -1 for no rule. Raises ValueError when it does not compile."""
        if source is None:
            return -1
        if source not in self._index:
            rule = compile_rule(source, len(self._rules))
            self._index[source] = rule.index
            self._rules.append(self._with_segment_roots(rule))
        return self._index[source]

    def add_segment(self, segment: Segment) -> int:
        """Segments come first and in order, so that each knows what the earlier ones read."""
        index = self.add(segment.when)
        if self._rules[index].dynamic:
            self._moving[segment.id] = self._rules[index].roots & {"context", "event", "world", "now"}
        return index

    def rules(self) -> tuple[Rule, ...]:
        return tuple(self._rules)

    def _with_segment_roots(self, rule: Rule) -> Rule:
        read = self._moving.keys() if rule.segments is None else rule.segments & self._moving.keys()
        roots = rule.roots.union(*(self._moving[segment] for segment in read))
        return rule if roots == rule.roots else replace(rule, roots=roots)
