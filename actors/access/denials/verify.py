"""Whether a chain of denials is whole: every entry is what was written, none is missing, none was moved."""

from __future__ import annotations

from dataclasses import dataclass

from actors.access.denials.interface import DenialStore
from actors.access.denials.record import Entry, Head, link
from models.errors import BadInput


@dataclass(frozen=True, slots=True)
class Verdict:
    chain: str
    entries: int
    #: Up to where the chain is whole.
    head: Head
    #: What does not fit, in words; "" when all does.
    fault: str


def verify(store: DenialStore, chain: str) -> Verdict:
    """Walks the chain from its first entry, then compares with the head that is kept apart."""
    head, count, fault = Head(), 0, ""
    passed: dict[int, str] = {}
    try:
        anchor = store.head(chain)
        for entry in store.entries(chain):
            fault = _fault(head, entry)
            if fault:
                break
            head, count = entry.head, count + 1
            if anchor is not None and entry.seq == anchor.seq:
                passed[entry.seq] = entry.hash
        fault = fault or _against(anchor, head, passed)
    except BadInput as error:
        fault = str(error)
    return Verdict(chain, count, head, fault)


def _fault(head: Head, entry: Entry) -> str:
    if entry.seq != head.seq + 1:
        return f"entry {entry.seq} follows entry {head.seq}: some were taken out, or their order was changed"
    if link(head.hash, entry.seq, entry.text) != entry.hash:
        return f"entry {entry.seq} is not what was written, or follows another than it did"
    return ""


def _against(anchor: Head | None, head: Head, passed: dict[int, str]) -> str:
    """A crash between entries and head leaves the head behind, never ahead."""
    if anchor is None:
        return "its head is missing, so entries may be missing at the end" if head.seq else ""
    if anchor.seq > head.seq:
        return f"it ends at entry {head.seq}, and had {anchor.seq}: the last {anchor.seq - head.seq} were cut off"
    if anchor.seq and passed.get(anchor.seq) != anchor.hash:
        return f"entry {anchor.seq} is not the one that its head names: the chain was written anew"
    return ""
