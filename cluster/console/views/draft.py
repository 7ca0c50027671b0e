"""What somebody is writing on the page What-if, as its form carries it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from models import limits
from models.errors import BadInput

_SIZES: Final = (10, 25, limits.WHAT_IF_REQUESTS_MAX)


@dataclass(frozen=True, slots=True)
class Draft:
    #: The catalog as written, comments and all.
    text: str
    #: The version that was live when writing began; "" before there was any.
    base: str
    action: str = ""
    gate: str = "eligibility"
    rule: str = ""
    #: ``sample`` or ``ids``.
    who: str = "sample"
    ids: str = ""
    channel: str = ""
    size: int = 25
    context: str = ""

    @property
    def lines(self) -> int:
        return self.text.count("\n") + 1

    @property
    def bytes_(self) -> int:
        return len(self.text.encode("utf-8", "surrogatepass"))


def draft_of(form: Mapping[str, str]) -> Draft:
    return Draft(
        form.get("catalog", ""), form.get("base", ""), form.get("action", "").strip(),
        form.get("gate", "eligibility"), form.get("rule", ""), "ids" if form.get("who") == "ids" else "sample",
        form.get("ids", ""), form.get("channel", ""), _size(form.get("size", "")), form.get("context", ""),
    )


def sizes() -> tuple[int, ...]:
    return _SIZES


def _size(text: str) -> int:
    return next((size for size in _SIZES if str(size) == text), _SIZES[1])


def checked_size(draft: Draft) -> None:
    """Raises ``BadInput`` when the catalog is larger than one may be."""
    if draft.bytes_ > limits.CATALOG_BYTES_MAX:
        raise BadInput(
            f"The catalog has {draft.bytes_:,} bytes; the largest that can be published has "
            f"{limits.CATALOG_BYTES_MAX:,} (1 MiB)."
        )
