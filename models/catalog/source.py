"""From text to plain data and line numbers: YAML 1.2 or JSON. Called by ``check`` only.

Read event by event, so that depth, anchors, tags and duplicate keys are refused before anything is built from them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from models import limits
from models.catalog.faults import BadCatalog, Path, bad_catalog
from models.catalog.scalars import plain_scalar, whole_text


class Lines:
    """The line (from 1) on which the value at a path begins."""

    def __init__(self) -> None:
        self._lines: dict[Path, int] = {}

    def set(self, path: Path, line: int) -> None:
        self._lines[path] = line

    def line(self, path: Path) -> int | None:
        """Of the path, or of its nearest ancestor in the file (a missing key has the line of its mapping)."""
        for length in range(len(path), -1, -1):
            if path[:length] in self._lines:
                return self._lines[path[:length]]
        return None


@dataclass(slots=True)
class _Open:
    """A mapping or sequence that is being read."""

    value: dict[str, Any] | list[Any]
    path: Path
    #: The key that waits for its value; None between pairs and in sequences.
    key: str | None = None


@dataclass(slots=True)
class _Reader:
    lines: Lines = field(default_factory=Lines)
    stack: list[_Open] = field(default_factory=list)
    root: Any = None
    documents: int = 0
    nodes: int = 0
    found: list[tuple[Path, str, int | None]] = field(default_factory=list)

    def fault(self, path: Path, message: str, event: Any) -> None:
        self.found.append((path, message, _line(event)))

    def take(self, event: Any) -> None:
        if isinstance(event, DocumentStartEvent):
            self._document(event)
        elif isinstance(event, AliasEvent) or getattr(event, "anchor", None) is not None:
            raise bad_catalog([(self._here(), "anchors and aliases are not taken; write the value out", _line(event))])
        elif isinstance(event, MappingStartEvent | SequenceStartEvent):
            self._open({} if isinstance(event, MappingStartEvent) else [], event)
        elif isinstance(event, MappingEndEvent | SequenceEndEvent):
            self.stack.pop()
        elif isinstance(event, ScalarEvent):
            self._scalar(event)

    def _document(self, event: Any) -> None:
        self.documents += 1
        if self.documents > 1:
            raise bad_catalog([((), "one file holds one catalog; remove the second document", _line(event))])
        if event.version is not None and tuple(event.version) != (1, 2):
            self.fault((), "a catalog is YAML 1.2; remove the %YAML directive", event)

    def _here(self) -> Path:
        if not self.stack:
            return ()
        top = self.stack[-1]
        if isinstance(top.value, list):
            return (*top.path, len(top.value))
        return top.path if top.key is None else (*top.path, top.key)

    def _open(self, value: dict[str, Any] | list[Any], event: Any) -> None:
        if len(self.stack) >= limits.BODY_DEPTH_MAX:
            raise bad_catalog([((), f"nested deeper than {limits.BODY_DEPTH_MAX} levels; flatten it", _line(event))])
        self._refuse_tag(event)
        path = self._here()
        self._place(value, event)
        self.stack.append(_Open(value, path))

    def _refuse_tag(self, event: Any) -> None:
        if event.tag is not None and str(event.tag) not in ("!", "tag:yaml.org,2002:str"):
            self.fault(self._here(), f"the tag {str(event.tag)!r} is not taken; write a plain value", event)

    def _scalar(self, event: Any) -> None:
        self._refuse_tag(event)
        value: Any = event.value
        try:
            value = plain_scalar(value) if event.style is None and event.tag is None else whole_text(value)
        except ValueError as error:
            self.fault(self._here(), str(error), event)
        self._place(value, event)

    def _place(self, value: Any, event: Any) -> None:
        """Put a value where it belongs: as a key, as the value of the key before it, into a list, or as the root."""
        self.nodes += 1
        if self.nodes > limits.CATALOG_NODES_MAX:
            raise bad_catalog([((), f"more than {limits.CATALOG_NODES_MAX} keys and values; shorten it", _line(event))])
        if not self.stack:
            self.root = value
            self.lines.set((), _line(event))
            return
        top = self.stack[-1]
        if isinstance(top.value, list):
            self.lines.set((*top.path, len(top.value)), _line(event))
            top.value.append(value)
        elif top.key is None:
            self._key(top, value, event)
        else:
            self.lines.set((*top.path, top.key), _line(event))
            top.value[top.key] = value
            top.key = None

    def _key(self, top: _Open, value: Any, event: Any) -> None:
        assert isinstance(top.value, dict)
        if isinstance(value, dict | list):
            raise bad_catalog([(top.path, "a key must be text, not a mapping or a list", _line(event))])
        if not isinstance(value, str):
            self.fault(top.path, f"the key {event.value!r} is not text; quote it", event)
            value = str(event.value)
        if value in top.value:
            first = self.lines.line((*top.path, value))
            self.fault((*top.path, value), f"the key {value!r} is given twice (first on line {first}); keep one", event)
        top.key = value


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _checked_size(text: str) -> None:
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise BadCatalog("the catalog is not valid Unicode text; save it as UTF-8") from error
    if size > limits.CATALOG_BYTES_MAX:
        raise BadCatalog(f"the catalog has {size} bytes, more than {limits.CATALOG_BYTES_MAX}; shorten its content")


def load_text(text: str) -> tuple[Any, Lines]:
    """YAML 1.2 (of which JSON is a part) -> plain data and its line numbers. Raises ``BadCatalog``."""
    _checked_size(text)
    reader = _Reader()
    yaml = YAML(typ="safe", pure=True)
    yaml.version = (1, 2)
    try:
        for event in yaml.parse(text):
            reader.take(event)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = " ".join(part for part in (error.context, error.problem) if part)
        reader.found.append(((), f"not YAML 1.2: {what}", mark.line + 1 if mark else None))
    except (YAMLError, ValueError, RecursionError) as error:
        reader.found.append(((), f"not YAML 1.2: {' '.join(str(error).split())[:200]}", None))
    if reader.found:
        raise bad_catalog(reader.found)
    return reader.root, reader.lines
