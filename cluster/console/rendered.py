"""Live parts as they were rendered: however many people look at the same, it is rendered once.

Kept under the tag of what a part shows, which is another one for other data, scopes and formats; for as long as
somebody may still come for it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from models import limits

#: The template, the tag, and the address under which the viewer came.
Part = tuple[str, str, str]


class RenderedParts:
    """Bounded in number, bytes and age; the oldest go first. ``clock``: seconds that only rise."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock: Final = clock
        #: Part -> (when it was rendered, HTML).
        self._kept: Final[OrderedDict[Part, tuple[float, bytes]]] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, part: Part) -> bytes | None:
        self._sweep()
        found = self._kept.get(part)
        return None if found is None else found[1]

    def keep(self, part: Part, html: bytes) -> None:
        _, before = self._kept.pop(part, (0.0, b""))
        self._kept[part] = self._clock(), html
        self._bytes += len(html) - len(before)
        self._sweep()

    def _sweep(self) -> None:
        oldest_s = self._clock() - limits.CONSOLE_PART_KEPT_MS / limits.SECOND_MS
        while self._kept:
            made_s, html = next(iter(self._kept.values()))
            full = len(self._kept) > limits.CONSOLE_PARTS_KEPT_MAX or self._bytes > limits.CONSOLE_PARTS_BYTES_MAX
            if not full and made_s > oldest_s:
                return
            self._kept.popitem(last=False)
            self._bytes -= len(html)
