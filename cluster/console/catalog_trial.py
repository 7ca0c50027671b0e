"""The calls behind the page What-if: check a catalog, compare it with the live one, try it, publish it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

from cluster.console.api import Api, ApiAnswer
from cluster.console.problems import Problem
from cluster.console.view import View
from cluster.console.views import whatif
from cluster.console.views.catalog_diff import Diff, diff
from cluster.console.views.catalog_text import catalog_text
from cluster.console.views.draft import Draft
from models.catalog.compile.assemble import plain
from models.catalog.faults import Faults
from models.catalog.shape import read_shape
from models.catalog.source import load_text
from models.errors import BadInput

_YAML: Final = "application/yaml"


@dataclass(frozen=True, slots=True)
class Live:
    """``version`` is "" and ``text`` a beginning when no catalog was ever published."""

    version: str
    catalog: Mapping[str, Any]
    text: str


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of a draft so far."""

    #: Of the checked catalog; None: not checked, or it has errors.
    version: str | None = None
    errors: tuple[whatif.CatalogError, ...] = ()
    #: Another refusal than errors of the catalog.
    problem: Problem | None = None
    #: Why the draft could not be checked with this viewer's scopes.
    unchecked: str = ""
    rule_error: str = ""
    #: Where the caret goes.
    caret: int | None = None
    #: None: its text could not be read as a catalog.
    difference: Diff | None = None
    #: The answer of ``POST /v1/whatif``.
    effect: Mapping[str, Any] | None = None
    changes: tuple[whatif.Change, ...] = ()

    @property
    def may_be_published(self) -> bool:
        return self.version is not None and self.difference is not None and not self.difference.is_empty

    @property
    def instead(self) -> list[whatif.Instead]:
        return whatif.instead(self.changes)

    @property
    def effects(self) -> list[whatif.Effect]:
        return [] if self.effect is None else whatif.effects(self.effect)

    @classmethod
    def refused(cls, answer: ApiAnswer) -> Found:
        return _refused(cls(), answer)


async def live_catalog(api: Api) -> Live:
    answer = await api.get("/v1/catalog")
    if answer.status == 404:
        return Live("", {}, "catalog: 1\nname: \ncurrency: USD\ntimezone: UTC\n")
    told = answer.expect()
    text = await asyncio.to_thread(catalog_text, told["catalog"])
    return Live(str(told["catalog_version"]), told["catalog"], text)


async def checked(view: View, draft: Draft, found: Found) -> Found:
    """As ``kairos catalog check`` does. A viewer who may not publish has it checked by a trial of one customer."""
    if view.can("config:write"):
        answer = await view.api.put(
            "/v1/catalog", params={"dry_run": True}, body=draft.text, content_type=_YAML,
        )
    elif view.can("profiles:read"):
        answer = await _what_if(view.api, draft.text, {"sample": {"size": 1}})
    else:
        return replace(found, unchecked="Checking needs config:write, or profiles:read beside config:read.")
    return _refused(found, answer) if not answer.ok else replace(found, version=answer.data["catalog_version"])


async def tried(view: View, live: Live, draft: Draft, found: Found) -> Found:
    """What it would change at the customers that the draft names, or at a sample."""
    if not view.can("profiles:read"):
        return replace(await checked(view, draft, found), unchecked="Trying it on customers needs profiles:read.")
    try:
        who = _who(live, draft)
    except BadInput as error:
        return replace(found, problem=Problem(422, "It cannot be tried like this", error.detail, ""))
    answer = await _what_if(view.api, draft.text, who)
    if not answer.ok:
        return _refused(found, answer)
    return replace(
        found, version=answer.data["catalog_version"], effect=answer.data, changes=tuple(whatif.changes(answer.data)),
    )


def _who(live: Live, draft: Draft) -> dict[str, Any]:
    if draft.who == "sample":
        return {"sample": {"size": draft.size, **({"channel": draft.channel} if draft.channel else {})}}
    channels = [str(each["id"]) for each in live.catalog.get("channels", ())]
    channel = draft.channel or (channels[0] if channels else "")
    return {"requests": whatif.requests_for(whatif.ids_of(draft.ids), channel, live.catalog, _context(draft.context))}


def _context(text: str) -> dict[str, Any]:
    if not text.strip():
        return {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput('the context is no JSON; write an object like {"device": "mobile"}') from error
    if not isinstance(found, dict):
        raise BadInput('the context is an object like {"device": "mobile"}')
    return found


async def _what_if(api: Api, text: str, who: dict[str, Any]) -> ApiAnswer:
    return await api.post("/v1/whatif", body={"catalog": text, **who}, changing=False)


def _refused(found: Found, answer: ApiAnswer) -> Found:
    problem = answer.problem
    if answer.status == 422 and problem.errors:
        return replace(found, errors=tuple(whatif.errors_of(problem.errors)))
    return replace(found, problem=problem)


async def compared(live: Live, draft: Draft) -> Diff | None:
    """Against the live catalog, in what the two say: comments and layout left out. None: the draft has no shape yet."""
    written = await asyncio.to_thread(_written, draft.text)
    return None if written is None else await asyncio.to_thread(diff, live.text, written)


@lru_cache(maxsize=4)
def _written(text: str) -> str | None:
    """The catalog as we write it. Kept, since a large text takes seconds to read and is looked at several times."""
    try:
        written = read_shape(load_text(text)[0], faults := Faults())
    except BadInput:
        return None
    return None if written is None or faults else catalog_text(plain(written.catalog))


async def published(api: Api, text: str, if_match: str) -> ApiAnswer:
    """``if_match``: the version that it is published over; "" when there was none."""
    expected = f'"{if_match}"' if if_match else None
    return await api.put("/v1/catalog", body=text, if_match=expected, content_type=_YAML)


__all__ = ["Found", "Live", "checked", "compared", "live_catalog", "published", "tried"]
