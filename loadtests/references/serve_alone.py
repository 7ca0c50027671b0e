"""``python -m loadtests.references.serve_alone PORT FOLDER``: Ray, Serve with HAProxy and one echo; nothing of Kairos.

The same variables and the same ``ray.init`` as Kairos, so that what differs in the time to start is what Kairos adds.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import httpx

from cluster.ray_environment import set_variables
from loadtests.bench.ready import say_ready, stopped

_WAIT_S = 120.0


def main() -> None:
    port, folder = int(sys.argv[1]), Path(sys.argv[2])
    set_variables(folder, "127.0.0.1")
    import ray
    from ray import serve  # both read their variables at import
    from ray.serve.config import ProxyLocation

    from loadtests.references.serve_echo import echo_app

    ray.init(
        address="local", include_dashboard=False, num_cpus=1, object_store_memory=128 * 1024 * 1024,
        _node_ip_address="127.0.0.1", logging_level="ERROR", log_to_driver=False,
    )
    serve.start(
        proxy_location=ProxyLocation.HeadOnly,
        http_options={"host": "127.0.0.1", "port": port, "request_timeout_s": None},
    )
    serve.run(echo_app(), name="echo", route_prefix="/")
    _wait(f"http://127.0.0.1:{port}/")
    say_ready(port=port)
    stopped()
    serve.shutdown()
    ray.shutdown()


def _wait(url: str) -> None:
    deadline = time.monotonic() + _WAIT_S
    while time.monotonic() < deadline:
        try:
            if httpx.post(url, content=b"{}", timeout=5.0).status_code == httpx.codes.OK:
                return
        except httpx.HTTPError as error:
            print(error, file=sys.stderr)
        time.sleep(0.05)
    raise SystemExit(f"Serve did not answer within {_WAIT_S:.0f} s")


if __name__ == "__main__":
    main()
