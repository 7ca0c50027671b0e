"""Shape errors in words, and what is left of the catalog without its misshapen parts.

What is misshapen is cut out (the nearest part that the file can do without), so that names can be checked in the rest
in the same pass. Paths are always those of the file as written.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from models.catalog.faults import Faults, Path
from models.catalog.phrases import phrase
from models.catalog.schema import Catalog

#: Stand-ins for what every catalog needs, so that the rest can be read without it.
_STAND_INS: Final = {"catalog": 1, "name": "?", "currency": "XXX", "timezone": "UTC"}
_ROUNDS_MAX: Final = 4


@dataclass(frozen=True, slots=True)
class Shaped:
    """A catalog of which everything that is left is well shaped."""

    catalog: Catalog
    #: The data as written, misshapen parts included.
    raw: Mapping[str, Any]
    #: Places that were cut out.
    cut: frozenset[Path]
    #: List in the cut catalog -> the index that each of its items has in the file.
    origins: Mapping[Path, list[int]] = field(default_factory=dict)

    def path(self, *path: str | int) -> Path:
        """A path in ``catalog`` -> the path in the file."""
        written: list[str | int] = []
        for at, part in enumerate(path):
            kept = self.origins.get(path[:at])
            written.append(kept[part] if kept is not None and isinstance(part, int) else part)
        return tuple(written)

    def items(self, section: str) -> Iterator[tuple[Path, Any]]:
        """The items of a top-level list with their paths in the file."""
        for index, item in enumerate(getattr(self.catalog, section)):
            yield self.path(section, index), item

    def children(self, parent: tuple[str | int, ...], items: list[Any]) -> Iterator[tuple[Path, Any]]:
        """Items of a nested list; ``parent`` is the list's path in ``catalog``."""
        for index, item in enumerate(items):
            yield self.path(*parent, index), item

    def was_cut_under(self, path: Path) -> bool:
        """Something is missing beneath this place of the file, so what is not there may yet have been written."""
        return any(place[: len(path)] == path for place in self.cut)


def read_shape(data: Any, faults: Faults) -> Shaped | None:
    """Adds every shape error; None when too little is left to check names in."""
    if not isinstance(data, dict):
        faults.add((), "a catalog is a mapping; begin with 'catalog: 1'")
        return None
    try:
        return Shaped(Catalog.model_validate(data), data, frozenset())
    except ValidationError as error:
        found = error.errors(include_url=False)
    for each in found:
        faults.add(each["loc"], _words(each))
    return _without(data, [_cut_place(each["loc"], each["type"]) for each in found])


def _words(error: ErrorDetails) -> str:
    path = error["loc"]
    owner = model_at(path[:-1])
    known = keys_of(owner) if owner else []
    return phrase(error["type"], path, error["input"], error.get("ctx", {}), error["msg"], known)


def _without(data: dict[str, Any], places: list[Path]) -> Shaped | None:
    """The catalog without these places, and without what does not hold any more once they are gone."""
    cut = set(places)
    for _ in range(_ROUNDS_MAX):
        if () in cut:
            return None
        origins: dict[Path, list[int]] = {}
        rest = _copy(data, (), (), cut, origins)
        rest.update({key: value for key, value in _STAND_INS.items() if (key,) in cut or key not in rest})
        try:
            return Shaped(Catalog.model_validate(rest), data, frozenset(cut), origins)
        except ValidationError as error:
            left = Shaped(Catalog.model_construct(), data, frozenset(), origins)
            cut |= {_cut_place(left.path(*each["loc"]), each["type"]) for each in error.errors(include_url=False)}
    return None


def _copy(value: Any, path: Path, new_path: Path, cut: set[Path], origins: dict[Path, list[int]]) -> Any:
    if isinstance(value, dict):
        return {
            key: _copy(child, (*path, key), (*new_path, key), cut, origins)
            for key, child in value.items() if (*path, key) not in cut
        }
    if isinstance(value, list):
        kept = [index for index in range(len(value)) if (*path, index) not in cut]
        if len(kept) < len(value):
            origins[new_path] = kept
        return [_copy(value[at], (*path, at), (*new_path, new), cut, origins) for new, at in enumerate(kept)]
    return value


def _cut_place(path: Path, kind: str) -> Path:
    """The nearest part around an error that the file can do without; () when there is none."""
    if kind == "extra_forbidden":
        return path
    for length in range(len(path), 0, -1):
        place = path[:length]
        if length == 1 and place[0] in _STAND_INS:
            return place
        if isinstance(place[-1], int) or _is_optional(place):
            return place
    return ()


def _is_optional(path: Path) -> bool:
    owner = model_at(path[:-1])
    found = _field(owner, path[-1]) if owner else None
    return found is not None and not found.is_required()


def model_at(path: Path) -> type[BaseModel] | None:
    """The model of the mapping at this path of the file, if the schema has one there."""
    model: type[BaseModel] | None = Catalog
    for part in path:
        if isinstance(part, int):
            continue
        found = _field(model, part) if model else None
        model = _model_in(found.annotation) if found else None
    return model


def keys_of(model: type[BaseModel]) -> list[str]:
    return [info.alias or name for name, info in model.model_fields.items()]


def _field(model: type[BaseModel], key: str | int) -> FieldInfo | None:
    return next((info for name, info in model.model_fields.items() if (info.alias or name) == key), None)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model inside ``Model``, ``list[Model]``, ``Model | None`` and ``Annotated[...]`` of these."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (list, Union, types.UnionType, Annotated):
        return next((model for arg in get_args(annotation) if (model := _model_in(arg))), None)
    return None
