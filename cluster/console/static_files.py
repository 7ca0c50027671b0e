"""Scripts and style sheets, in memory, each under an address that changes with its content."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from starlette.responses import Response

from cluster.console.address import ROOT
from cluster.console.security import HEADERS

FOLDER: Final = Path(__file__).parent / "static"
#: What the folder of an address looks like: ``/console/static/<digest>/<path in the folder>``.
PREFIX: Final = "/static/"
_DIGEST_CHARS: Final = 16
_SERVED: Final = {".css", ".js", ".svg", ".png", ".ico"}
_FOREVER: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class StaticFile:
    digest: str
    media: str
    body: bytes
    packed: bytes


class StaticFiles:
    """What is in the folder at the start; nothing else can be asked for."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._files: Final[Mapping[str, StaticFile]] = {
            path.relative_to(folder).as_posix(): _read(path, path.stat().st_mtime_ns)
            for path in sorted(folder.rglob("*")) if path.suffix in _SERVED
        }

    def address(self, name: str) -> str:
        """The address of ``css/base.css``. Raises ``KeyError`` for what is not there."""
        return f"{ROOT}{PREFIX}{self._files[name].digest}/{name}"

    def names(self, folder: str) -> list[str]:
        """Those below a folder of the folder, in order of name."""
        return [name for name in self._files if name.startswith(folder + "/")]

    def digest(self) -> str:
        """Of all of it."""
        return hashlib.sha256("".join(file.digest for file in self._files.values()).encode()).hexdigest()

    def answer(self, below: str, encodings: str, etag: str) -> Response | None:
        """``below``: the path after the prefix. None: there is no such file, or it has changed since."""
        digest, _, name = below.partition("/")
        file = self._files.get(name)
        if file is None or file.digest != digest:
            return None
        headers = {**HEADERS, "cache-control": _FOREVER, "etag": f'"{digest}"', "vary": "accept-encoding"}
        if etag == f'"{digest}"':
            return Response(status_code=304, headers=headers)
        if "gzip" in encodings:
            return Response(file.packed, headers={**headers, "content-encoding": "gzip"}, media_type=file.media)
        return Response(file.body, headers=headers, media_type=file.media)


@cache
def _read(path: Path, changed_ns: int) -> StaticFile:
    """Packed once, however many consoles a process makes; read anew when it has changed."""
    body = path.read_bytes()
    media = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return StaticFile(hashlib.sha256(body).hexdigest()[:_DIGEST_CHARS], media, body, gzip.compress(body, 6, mtime=0))
