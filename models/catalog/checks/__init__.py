"""What a well-shaped catalog can still have wrong: names, forms, reachability, rules. Each check only adds faults."""

from models.catalog.checks.every import check_names
from models.catalog.checks.rules import check_rules

__all__ = ["check_names", "check_rules"]
