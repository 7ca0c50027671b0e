"""The master key: what wraps an installation's secret and its monthly wrapping keys.

It never lies in the store. Each node has it in ``KAIROS_MASTER_KEY``, or in the file that ``KAIROS_MASTER_KEY_FILE``
names, or in ``<data-dir>/master.key``. A place may hold several keys, newest first, one a line: the newest wraps, any
unwraps, so that one can be put in another's place while everything runs. A key is 32 bytes in base64; it is named by
its id, a short hash.

What is wrapped: ``id | nonce | AES-256-GCM``, bound to a context, so that none passes for another. Each use reads the
place anew (a few times a month), so that a running process sees a key that was added.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from actors.durable_file import create_file, replace_file
from models import limits
from models.errors import MasterKeyFailed

VARIABLE: Final = "KAIROS_MASTER_KEY"
FILE_VARIABLE: Final = "KAIROS_MASTER_KEY_FILE"
FILE: Final = "master.key"
KEY_BYTES: Final = 32
_ID_BYTES: Final = 4
_NONCE_BYTES: Final = 12


def key_id(key: bytes) -> str:
    """The name of a master key: tells keys apart and nothing else about them."""
    return hashlib.sha256(b"kairos master key\0" + key).digest()[:_ID_BYTES].hex()


@dataclass(frozen=True, slots=True)
class MasterKeys:
    """``keys``: by id, newest first."""

    keys: Mapping[str, bytes] = field(repr=False)
    #: Where they come from, for people.
    place: str

    @property
    def newest(self) -> str:
        return next(iter(self.keys))

    def wrap(self, plain: bytes, context: bytes) -> bytes:
        """Under the newest key."""
        nonce = os.urandom(_NONCE_BYTES)
        return bytes.fromhex(self.newest) + nonce + AESGCM(self.keys[self.newest]).encrypt(nonce, plain, context)

    def unwrap(self, wrapped: bytes, context: bytes, what: str) -> bytes:
        """Raises ``MasterKeyFailed`` when none of the keys is the one, or when it is damaged. ``what``: for people."""
        named = wrapped_by(wrapped)
        key = self.keys.get(named)
        if key is None:
            raise MasterKeyFailed(
                f"{what} was wrapped with master key {named}, which is not in {self.place} "
                f"(it has {', '.join(self.keys)}); add that key there, it may be in a backup"
            )
        begin = _ID_BYTES + _NONCE_BYTES
        try:
            return AESGCM(key).decrypt(wrapped[_ID_BYTES:begin], wrapped[begin:], context)
        except (InvalidTag, ValueError) as error:
            raise MasterKeyFailed(f"{what} is damaged or was put elsewhere; restore it from a backup") from error


def wrapped_by(wrapped: bytes) -> str:
    """The id of the master key that wrapped it."""
    return wrapped[:_ID_BYTES].hex()


class MasterKeyPlace:
    """Where this process finds the master keys. ``environment``: the process's, unless given."""

    def __init__(self, data_dir: Path, environment: Mapping[str, str] | None = None) -> None:
        self._environment = os.environ if environment is None else environment
        self._own_file: Final = data_dir / FILE

    @property
    def file(self) -> Path | None:
        """The file that holds them, or would; None when the environment itself does."""
        if self._environment.get(VARIABLE):
            return None
        named = self._environment.get(FILE_VARIABLE)
        return Path(named) if named else self._own_file

    @property
    def is_there(self) -> bool:
        """Whether somebody provided a key; says nothing of its quality."""
        return self.file is None or self.file.exists() or self.file != self._own_file

    def read(self) -> MasterKeys:
        """Raises ``MasterKeyFailed`` with the remedy."""
        path = self.file
        if path is None:
            if self._environment.get(FILE_VARIABLE):
                raise MasterKeyFailed(f"{VARIABLE} and {FILE_VARIABLE} are both set; unset one of them")
            return MasterKeys(_parsed(self._environment[VARIABLE], VARIABLE), VARIABLE)
        return MasterKeys(_parsed(_content(path), str(path)), str(path))

    def make(self) -> None:
        """Put a first key into ``<data-dir>/master.key`` (0600) unless a key is provided; two at once make one."""
        if not self.is_there:
            self._own_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            create_file(self._own_file, _line(os.urandom(KEY_BYTES)))

    def add(self) -> MasterKeys:
        """Put a new key before those of the file. Raises ``MasterKeyFailed`` where that is not this command's to do."""
        path = self.file
        if path is None:
            raise MasterKeyFailed(
                f"the master key comes from {VARIABLE}: put a new key before the old one there, separated by a space, "
                f"on every node, then run this again"
            )
        before = self.read()
        if len(before.keys) >= limits.MASTER_KEYS_MAX:
            raise MasterKeyFailed(
                f"{path} holds {len(before.keys)} keys already, at most {limits.MASTER_KEYS_MAX}; remove those that "
                f"`kairos master-key show` says wrap nothing any more"
            )
        try:
            replace_file(path, _line(os.urandom(KEY_BYTES)) + b"".join(map(_line, before.keys.values())))
        except OSError as error:
            raise MasterKeyFailed(
                f"cannot write {path} ({error.strerror}): put the new key before the old one there by other means, "
                f"then run this again"
            ) from error
        return self.read()


def _line(key: bytes) -> bytes:
    return base64.b64encode(key) + b"\n"


def _content(path: Path) -> str:
    """Raises ``MasterKeyFailed`` when it cannot be read, or when everybody can."""
    try:
        mode = path.stat().st_mode
        if mode & stat.S_IRWXO:
            raise MasterKeyFailed(
                f"every user of this machine has access to the master key in {path} (mode {stat.S_IMODE(mode):04o}); "
                f"run: chmod 600 {path}"
            )
        return path.read_text("ascii")
    except FileNotFoundError:
        raise MasterKeyFailed(
            f"there is no master key: {path} is missing; restore it from a backup, or set {VARIABLE} (base64 of "
            f"{KEY_BYTES} bytes) or {FILE_VARIABLE}"
        ) from None
    except OSError as error:
        raise MasterKeyFailed(f"cannot read the master key in {path}: {error.strerror}; let this user do so") from error
    except UnicodeDecodeError as error:
        raise MasterKeyFailed(f"{path} holds no master key: it is not base64; restore it from a backup") from error


def _parsed(text: str, place: str) -> dict[str, bytes]:
    """Keys by id, in their order."""
    found: dict[str, bytes] = {}
    for word in text.split():
        try:
            key = base64.b64decode(word, validate=True)
        except (binascii.Error, ValueError):
            raise MasterKeyFailed(
                f"{place} holds no master key: it is not base64; make one with `openssl rand -base64 {KEY_BYTES}`"
            ) from None
        if len(key) != KEY_BYTES:
            raise MasterKeyFailed(
                f"a master key in {place} has {len(key)} bytes, not {KEY_BYTES}; make one with "
                f"`openssl rand -base64 {KEY_BYTES}`"
            )
        found[key_id(key)] = key
    if not found:
        raise MasterKeyFailed(f"{place} is empty; put `openssl rand -base64 {KEY_BYTES}` there")
    return found
