"""Targets: about one thing, with a field where a sum is predicted; and the name that rules read them under."""

from __future__ import annotations

from models.catalog.faults import Faults, Path
from models.catalog.plan import SCORES
from models.catalog.schema.targets import Target
from models.catalog.shape import Shaped


def check_targets(shaped: Shaped, faults: Faults) -> None:
    for path, target in shaped.items("targets"):
        if not shaped.was_cut_under(path):
            _form(target, path, faults)
    if not shaped.raw.get("targets"):
        return
    for section, kind in (("attributes", "attribute"), ("features", "feature")):
        for path, one in shaped.items(section):
            if one.id == SCORES:
                message = f"{kind} {SCORES!r} is hidden by the targets, which rules read as profile.scores; rename it"
                faults.add((*path, "id"), message)


def _form(target: Target, path: Path, faults: Faults) -> None:
    if (target.event is None) == (target.outcome is None):
        faults.add(path, f"target {target.id!r} is about exactly one of event and outcome; name one")
    elif target.predict == "channel" and target.outcome is None:
        faults.add((*path, "event"), "the best channel is one on which contacts are answered; name an outcome")
    if target.predict == "sum" and target.field is None:
        faults.add(path, f"predict sum needs field; add to target {target.id!r} what is added up")
    elif target.predict != "sum" and target.field is not None:
        faults.add((*path, "field"), f"predict {target.predict} takes no field; remove it")
    elif target.outcome is not None and target.field not in (None, "value"):
        faults.add((*path, "field"), f"an outcome has no field {target.field!r}; the only one is 'value'")
