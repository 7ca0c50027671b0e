"""Where a client finds its server and its key: arguments, a key file, or the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from models.errors import BadInput


@dataclass(frozen=True, slots=True)
class Address:
    #: ``http(s)://host:port``, perhaps with a path before ``/v1``; no slash at its end.
    url: str
    key: str = field(repr=False)

    @property
    def authorization(self) -> str:
        return f"Bearer {self.key}"


def address(url: str, key: str | None, key_file: str | os.PathLike[str] | None) -> Address:
    """Raises ``BadInput`` on what is no URL of a server, or no key."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or "@" in url:
        raise BadInput("the URL of a server looks like http://127.0.0.1:8000 or https://kairos.example, without a user")
    if (key is None) == (key_file is None):
        raise BadInput("give either key or key_file (`kairos key` prints the local one)")
    given = key if key is not None else _read(Path(key_file or ""))
    if not given or not given.isascii() or not given.isprintable() or " " in given:
        raise BadInput("this is no API key: it is empty, or has blanks or control characters in it")
    return Address(url.rstrip("/"), given)


def from_environment(environ: Mapping[str, str]) -> Address:
    """``KAIROS_URL`` and ``KAIROS_KEY`` or ``KAIROS_KEY_FILE``. Raises ``BadInput`` naming what is missing."""
    url = environ.get("KAIROS_URL")
    if not url:
        raise BadInput("KAIROS_URL is not set; set it to e.g. http://127.0.0.1:8000")
    key, key_file = environ.get("KAIROS_KEY"), environ.get("KAIROS_KEY_FILE")
    if not key and not key_file:
        raise BadInput("neither KAIROS_KEY nor KAIROS_KEY_FILE is set; `kairos key` prints the local key")
    return address(url, key or None, None if key else key_file)


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot read the key file {path}: {error}") from error
