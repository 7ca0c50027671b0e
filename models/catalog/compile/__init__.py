"""From a checked catalog to the plan. Assumes what ``models.catalog.checks`` established. Called by ``check``."""

from models.catalog.compile.assemble import compile_plan

__all__ = ["compile_plan"]
