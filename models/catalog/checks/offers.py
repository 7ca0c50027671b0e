"""Actions, treatments, budgets, and whether every fallback can be reached."""

from __future__ import annotations

from models.catalog.checks.names import Names
from models.catalog.compile.offers import group_places
from models.catalog.faults import Faults, Path
from models.catalog.schema.offers import Action, Treatment
from models.catalog.shape import Shaped
from models.times import parse_time_ms


def check_offers(shaped: Shaped, names: Names, faults: Faults) -> None:
    groups = group_places(shaped.catalog)
    for issue_at, issue in enumerate(shaped.catalog.hierarchy):
        for group_path, group in shaped.children(("hierarchy", issue_at, "groups"), issue.groups):
            _lever(issue.lever + group.lever, group_path, faults)
    for index, action in enumerate(shaped.catalog.actions):
        path = shaped.path("actions", index)
        if names.expect("group", action.group, (*path, "group"), faults) and action.group in groups and action.lever:
            _lever(groups[action.group].lever + action.lever, path, faults)
        _role(action, path, shaped, faults)
        _valid(action, path, faults)
        if action.budget:
            names.expect("budget", action.budget.id, (*path, "budget", "id"), faults)
        for treatment_path, treatment in shaped.children(("actions", index, "treatments"), action.treatments):
            names.expect("placement", treatment.placement, (*treatment_path, "placement"), faults)
            if action.fallback and treatment.weight is not None:
                message = "a fallback is shown in the order of its placement, not drawn; remove the weight"
                faults.add((*treatment_path, "weight"), message)
            if treatment.budget is None:
                continue
            place = (*treatment_path, "budget")
            names.expect("budget", treatment.budget.id, (*place, "id"), faults)
            if action.fallback:
                faults.add(place, "a fallback holds no budget; remove it")
            elif action.budget and action.budget.id == treatment.budget.id:
                faults.add(place, f"the action holds {treatment.budget.id!r} already; name the budget once")


def _lever(percent: float, path: Path, faults: Faults) -> None:
    if percent < -100:
        faults.add((*path, "lever"), f"levers add up to {percent:g} percent here; below -100 a priority is negative")


def _role(action: Action, path: Path, shaped: Shaped, faults: Faults) -> None:
    if not action.treatments and not shaped.was_cut_under((*path, "treatments")):
        faults.add(path, f"action {action.id!r} has no treatments; add at least one, so that it can be shown somewhere")
    if not action.fallback:
        if action.value is None and not shaped.was_cut_under((*path, "value")):
            faults.add(path, f"action {action.id!r} has no value; add value: and its margin, or fallback: true")
        return
    if action.mandatory:
        faults.add((*path, "mandatory"), "a fallback is no candidate, so it cannot be mandatory; remove one of the two")
    if action.budget:
        faults.add((*path, "budget"), "a fallback holds no budget; remove it")
    if action.context_weight:
        faults.add((*path, "context_weight"), "a fallback is not ranked, so it has no weight; remove it")


def _valid(action: Action, path: Path, faults: Faults) -> None:
    valid = action.valid
    if valid and valid.from_ and valid.until and parse_time_ms(valid.from_) >= parse_time_ms(valid.until):
        faults.add((*path, "valid"), f"action {action.id!r} is never valid: from is not before until")


def check_fallbacks(shaped: Shaped, names: Names, faults: Faults) -> None:
    """Placements list treatments of fallback actions that are made for them, and every fallback is listed somewhere."""
    owners = {treatment.id: (treatment, action) for action in shaped.catalog.actions for treatment in action.treatments}
    listed: set[str] = set()
    for index, placement in enumerate(shaped.catalog.placements):
        seen: set[str] = set()
        for path, name in shaped.children(("placements", index, "fallback"), placement.fallback):
            if names.expect("treatment", name, path, faults) and name in owners:
                treatment, action = owners[name]
                _fits(treatment, action, placement.id, path, faults)
                if name in seen:
                    faults.add(path, f"fallback {name!r} is listed twice; keep one")
                seen.add(name)
                listed.add(action.id)
    if shaped.was_cut_under(("placements",)):
        return
    for index, action in enumerate(shaped.catalog.actions):
        path = shaped.path("actions", index)
        if action.fallback and action.id not in listed and not shaped.was_cut_under((*path, "treatments")):
            message = f"fallback {action.id!r} can't be reached: list a treatment of it under fallback of a placement"
            faults.add(path, message)


def _fits(treatment: Treatment, action: Action, placement: str, path: Path, faults: Faults) -> None:
    if not action.fallback:
        message = f"{treatment.id!r} is of {action.id!r}, which is no fallback; add fallback: true to it"
        faults.add(path, message)
    if treatment.placement != placement:
        message = f"fallback {treatment.id!r} can't be reached here: it is for placement {treatment.placement!r}"
        faults.add(path, message)
