"""Who has the console open while hosts come and go."""

from __future__ import annotations

from typing import Final

import httpx
from support.hosts_cluster import ClusterOfHosts
from support.server import eventually

CONSOLE: Final = "ray::ServeReplica:kairos-console:"
INSIGHT: Final = "ray::Insight"
_LINKS: Final = "/console/links"
#: It asks the API for every shard's status, by the proxy of the host where the console's process is.
_PAGE: Final = "/console/cluster"


class Visitor:
    """Signed in by a link. Its cookie is for HTTPS, which ends in front of the hosts, so it is carried by hand."""

    def __init__(self, cluster: ClusterOfHosts) -> None:
        self._cluster = cluster
        self._http = httpx.Client(timeout=30.0)
        self._cookie = ""
        eventually("the console lets somebody in", self._enters)

    def _enters(self) -> bool:
        """It is deployed after the API, and starts in its own time."""
        url = self._cluster.url(1)
        try:
            given = self._http.post(url + _LINKS, headers={"authorization": f"Bearer {self._cluster.key}"})
            if given.status_code != httpx.codes.OK:
                return False
            opened = self._http.get(url + given.json()["link"])
        except httpx.HTTPError:
            return False
        self._cookie = opened.headers.get("set-cookie", "").partition(";")[0]
        return opened.status_code == httpx.codes.OK

    def sees_shards(self, host: int = 1) -> bool:
        """Whether the page that tells of the cluster is there, by the proxy of that host."""
        try:
            answer = self._http.get(self._cluster.url(host) + _PAGE, headers={"cookie": self._cookie})
        except httpx.HTTPError:
            return False
        return answer.status_code == httpx.codes.OK


def is_told(cluster: ClusterOfHosts) -> bool:
    """Whether Insight tells the live numbers."""
    try:
        return bool(cluster.get("/v1/live")["shards"])
    except (httpx.HTTPError, AssertionError):
        return False
