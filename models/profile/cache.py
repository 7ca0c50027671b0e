"""What is derived from a profile and worth keeping while it is hot: never packed, never compared.

One ``Cache`` is shared by a profile and all its drafts. That is safe because what it holds is immutable and says
what it was made from: a view names the very aggregates, attributes, plan and instants for which it is true, and is
used only where all of these match. A dropped draft can at worst cost the next reader a recomputation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.profile.state import Profile

if TYPE_CHECKING:
    from models.profile.features import FeatureView
    from models.profile.predicates import Standing


class Cache:
    __slots__ = ("standing", "view")

    def __init__(self) -> None:
        self.view: FeatureView | None = None
        self.standing: Standing | None = None


def cache_of(profile: Profile) -> Cache:
    cache = profile.cache
    if cache is None:
        cache = profile.cache = Cache()
    assert isinstance(cache, Cache)
    return cache
