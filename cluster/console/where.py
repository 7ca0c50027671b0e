"""Where the API answers the console's process."""

from __future__ import annotations

from cluster.settings import Settings

_EVERYWHERE = frozenset({"0.0.0.0", "::"})


def api_url(settings: Settings) -> str:
    """By loopback where a proxy listens on every interface of every node, as one does wherever a replica of the console
    is; else at the address that the settings name, or the head's when the head alone has a proxy."""
    if settings.address is None or settings.proxies == "every" or settings.host not in _EVERYWHERE:
        return settings.url
    head, _, _ = settings.address.rpartition(":")
    return f"http://{head}:{settings.port}"
