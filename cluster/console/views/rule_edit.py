"""One rule put into a catalog's text, which stays as it was otherwise: comments, order, layout."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from models.errors import BadInput

#: The places of an action where a rule may stand.
RULE_GATES: Final = ("eligibility", "applicability", "suitability", "context_weight")


def put_rule(text: str, action: str, gate: str, rule: str) -> tuple[str, int]:
    """(the text with the rule at that gate of that action, the line of the rule from 1). Raises ``BadInput``: an
    unknown gate or action, an empty rule, a text that is no YAML."""
    if gate not in RULE_GATES:
        raise BadInput(f"{gate!r} takes no rule; one of {', '.join(RULE_GATES)} does")
    if not rule.strip():
        raise BadInput('the rule is empty; write "true" to let everybody through, or take its line out of the catalog')
    found = _Finder(action, gate)
    yaml = YAML(typ="safe", pure=True)
    yaml.version = (1, 2)
    try:
        for event in yaml.parse(text):
            found.take(event)
    except (YAMLError, ValueError, RecursionError) as error:
        raise BadInput("the catalog's text is not YAML yet; mend it, then put the rule in") from error
    if found.id_event is None:
        raise BadInput(f"the catalog has no action {action!r}; choose one that stands under actions")
    return _placed(text, found, gate, json.dumps(" ".join(rule.split()), ensure_ascii=False))


def _placed(text: str, found: _Finder, gate: str, quoted: str) -> tuple[str, int]:
    assert found.id_event is not None
    assert found.key_event is not None
    if found.rule_event is not None:
        begin, end = found.rule_event.start_mark.index, found.rule_event.end_mark.index
        # A block scalar ends after its last line break.
        ends = "\n" if text[begin:end].endswith("\n") else ""
        return text[:begin] + quoted + ends + text[end:], found.rule_event.start_mark.line + 1
    at = found.id_event.end_mark.index
    if found.is_flow:
        name = f'"{gate}"' if text[found.key_event.start_mark.index] == '"' else gate
        return text[:at] + f", {name}: {quoted}" + text[at:], found.id_event.end_mark.line + 1
    stop = text.find("\n", at)
    line = "\n" + " " * found.key_event.start_mark.column + f"{gate}: {quoted}"
    return (text + line + "\n" if stop < 0 else text[:stop] + line + text[stop:]), found.id_event.end_mark.line + 2


@dataclass(slots=True)
class _Open:
    """A mapping or sequence that is being read."""

    is_list: bool
    is_flow: bool
    #: Of a mapping: the key that waits for its value.
    key: Any = None
    #: Of an action: where its id and its rule stand.
    id_key: Any = None
    id_event: Any = None
    rule_event: Any = None


@dataclass(slots=True)
class _Finder:
    """Follows the events of a parse to one action."""

    action: str
    gate: str
    stack: list[_Open] = field(default_factory=list)
    #: The section of the catalog that is open.
    section: str = ""
    id_event: Any = None
    key_event: Any = None
    rule_event: Any = None
    is_flow: bool = False

    def take(self, event: Any) -> None:
        if isinstance(event, MappingStartEvent | SequenceStartEvent):
            self._value(None)
            self.stack.append(_Open(isinstance(event, SequenceStartEvent), bool(event.flow_style)))
        elif isinstance(event, MappingEndEvent | SequenceEndEvent):
            self._close(self.stack.pop())
        elif isinstance(event, ScalarEvent):
            self._value(event)

    def _value(self, event: Any) -> None:
        """A key, or what belongs to the key before it."""
        if not self.stack or self.stack[-1].is_list:
            return
        top = self.stack[-1]
        if top.key is None:
            top.key = event
            if len(self.stack) == 1 and event is not None:
                self.section = event.value
            return
        if event is not None and len(self.stack) == 3 and self.section == "actions":
            if top.key.value == "id":
                top.id_key, top.id_event = top.key, event
            elif top.key.value == self.gate:
                top.rule_event = event
        top.key = None

    def _close(self, closed: _Open) -> None:
        is_action = len(self.stack) == 2 and self.section == "actions" and self.stack[-1].is_list
        if is_action and closed.id_event is not None and closed.id_event.value == self.action:
            self.id_event, self.key_event = closed.id_event, closed.id_key
            self.rule_event, self.is_flow = closed.rule_event, closed.is_flow
