"""A catalog as somebody sent it, checked: every error at once, each with its line where the catalog is text."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson

from actors.gateway.body import too_large
from actors.gateway.problems import Refused, from_bad_input
from actors.gateway.services import Services
from models import limits
from models.catalog.check import check_data, check_text
from models.catalog.plan import Plan
from models.errors import BadInput


async def checked_text(services: Services, text: bytes) -> Plan:
    """The plan of a catalog in YAML or JSON. Raises 400 for what is no UTF-8, 422."""
    try:
        return await _checked(check_text, text.decode(), services.trial)
    except UnicodeDecodeError as error:
        raise Refused(400, f"the catalog is not UTF-8: {error.reason} at byte {error.start}") from error


async def checked_data(services: Services, data: Any) -> Plan:
    """The plan of a catalog that is plain data. Raises 422."""
    return await _checked(check_data, data, None, services.trial)


async def checked_field(services: Services, catalog: str | Mapping[str, Any], field: str) -> Plan:
    """The plan of a catalog inside a body: text or plain data. Raises 413 and 422; errors lie below ``field``."""
    try:
        if isinstance(catalog, str):
            text = catalog.encode()
            if len(text) <= limits.CATALOG_BYTES_MAX:
                return await checked_text(services, text)
        elif len(orjson.dumps(catalog)) <= limits.CATALOG_BYTES_MAX:
            return await checked_data(services, catalog)
    except Refused as refused:
        errors = [{**error, "loc": [field, *error["loc"]]} for error in refused.errors]
        raise Refused(refused.status, refused.detail, errors, refused.headers) from refused
    raise too_large(limits.CATALOG_BYTES_MAX)


async def _checked(check: Any, *arguments: Any) -> Plan:
    try:
        plan: Plan = await asyncio.to_thread(check, *arguments)
    except BadInput as error:
        raise from_bad_input(error) from error
    return plan
