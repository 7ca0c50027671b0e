"""What listens where is told of every socket, as it is."""

from __future__ import annotations

import socket

from cluster.listeners import _purpose, listeners


def test_the_api_comes_first_and_every_listening_socket_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, socket.create_server(("127.0.0.1", 0)) as api:
        port = api.getsockname()[1]
        told = listeners(port)
        assert (told[0].address, told[0].port, told[0].purpose) == ("127.0.0.1", port, "the API, by key")
        assert other.getsockname()[1] in {one.port for one in told}


def test_links_are_told_apart_from_rays_own_ports_of_the_same_process() -> None:
    assert "installation's secret" in _purpose("ray::ProfileShard", "127.0.0.1", 41_000, 8_000)
    assert "installation's secret" in _purpose("ray::ProfileShard", "10.0.0.7", 41_000, 8_000)
    for address in ("::", "::ffff:127.0.0.1"):
        assert _purpose("ray::ProfileShard", address, 41_000, 8_000) == "Ray, by its token"
        assert _purpose("ray::ServeReplica:kairos:Gateway", address, 41_000, 8_000) == "Ray, by its token"
    assert "the console" in _purpose("ray::ServeReplica:kairos-console:Console", "127.0.0.1", 41_000, 8_000)
    assert "link to a scorer" in _purpose("ray::ServeReplica:kairos-scorer:Scorer", "127.0.0.1", 41_000, 8_000)
