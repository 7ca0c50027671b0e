"""All checks of names and forms, in the order of the file."""

from __future__ import annotations

from models.catalog.checks.experiments import check_experiments
from models.catalog.checks.names import declared_names
from models.catalog.checks.offers import check_fallbacks, check_offers
from models.catalog.checks.policies import check_policies, check_triggers
from models.catalog.checks.targets import check_targets
from models.catalog.checks.twins import check_twins
from models.catalog.checks.vocabulary import check_vocabulary
from models.catalog.faults import Faults
from models.catalog.shape import Shaped


def check_names(shaped: Shaped, faults: Faults) -> None:
    names = declared_names(shaped.raw)
    check_twins(shaped.raw, faults)
    check_vocabulary(shaped, names, faults)
    check_targets(shaped, faults)
    check_offers(shaped, names, faults)
    check_fallbacks(shaped, names, faults)
    check_policies(shaped, names, faults)
    check_triggers(shaped, names, faults)
    check_experiments(shaped, names, faults)
