"""The file's shape as pydantic models. What names refer to is judged in ``models.catalog.checks``."""

from models.catalog.schema.catalog import Catalog

__all__ = ["Catalog"]
