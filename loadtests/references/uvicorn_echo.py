"""``python -m loadtests.references.uvicorn_echo PORT ANSWER_BYTES``: the floor of any Python server, one process."""

from __future__ import annotations

import socket
import sys
import threading

import uvicorn

from loadtests.bench.ready import say_ready, stopped
from loadtests.references.echo_app import EchoApp


def main() -> None:
    port, answer_bytes = (int(argument) for argument in sys.argv[1:])
    server = uvicorn.Server(uvicorn.Config(
        EchoApp(answer_bytes), loop="uvloop", http="httptools", access_log=False, log_level="warning",
        server_header=False, date_header=False,
    ))

    def end_when_told() -> None:
        stopped()
        server.should_exit = True

    threading.Thread(target=end_when_told, daemon=True).start()
    with socket.create_server(("127.0.0.1", port), backlog=1024) as listening:
        say_ready(port=port)  # what connects before the server accepts waits in the backlog
        server.run(sockets=[listening])


if __name__ == "__main__":
    main()
