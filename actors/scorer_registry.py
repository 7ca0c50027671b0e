"""Registered scorers as files: ``<data-dir>/scorers/<version>/{model.ubj, manifest.json}``.

A version appears by one rename, whole or not at all, and is never changed afterwards. Which one is champion is the
coordinator's business, not a file's.
"""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from actors.durable_file import replace_file, sync_folder
from models.errors import BadInput, KairosError
from models.scoring.booster import Booster
from models.scoring.manifest import Manifest

_LOG: Final = logging.getLogger("kairos.scorers")
FOLDER: Final = "scorers"
_MANIFEST: Final = "manifest.json"
#: A version is a folder's name: nothing that could lead elsewhere.
_VERSION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class UnknownScorerError(KairosError):
    """No scorer of this version is registered here."""


class Scorers(Protocol):
    """The registered scorers of an installation. Each is never changed once it is there."""

    def register(self, model: bytes, manifest: Manifest) -> None:
        """Durably add a scorer, after reading it as the server will. Registering it again changes nothing.

        Raises ``BadInput`` when manifest and file do not belong together.
        """

    def manifests(self) -> list[Manifest]:
        """Every registered scorer, oldest first. One with a damaged manifest is left out, and the log says so."""

    def newest(self) -> Manifest | None:
        """The scorer that was created last, or None when there is none."""

    def manifest(self, version: str) -> Manifest:
        """Raises ``UnknownScorerError``, or ``BadInput`` when it is damaged or names another version."""

    def load(self, version: str) -> Booster:
        """The trees of a version, verified against their manifest. Raises ``UnknownScorerError``, ``BadInput``."""


def oldest_first(reading: Iterable[Callable[[], Manifest]]) -> list[Manifest]:
    """The manifests that can be read; of one that cannot the log tells."""
    found = []
    for read in reading:
        try:
            found.append(read())
        except KairosError as error:
            _LOG.warning("a registered scorer is left out: %s", error)
    return sorted(found, key=lambda manifest: (manifest.created_ms, manifest.version))


class ScorerRegistry:
    def __init__(self, data_dir: Path) -> None:
        self._root: Final = data_dir / FOLDER

    def register(self, model: bytes, manifest: Manifest) -> None:
        Booster(model, manifest)
        folder = self._folder(manifest.version)
        if folder.is_dir():
            self.load(manifest.version)
            return
        fresh = self._root / f".new-{manifest.version}-{secrets.token_hex(8)}"
        try:
            fresh.mkdir(parents=True, mode=0o700)
            replace_file(fresh / manifest.file, model)
            replace_file(fresh / _MANIFEST, json.dumps(manifest.to_wire(), indent=2).encode())
            os.replace(fresh, folder)
        except OSError:
            if not folder.is_dir():
                raise
            self.load(manifest.version)  # somebody else was first, with the same
        finally:
            shutil.rmtree(fresh, ignore_errors=True)  # of an interruption nothing stays
        sync_folder(self._root)

    def manifests(self) -> list[Manifest]:
        if not self._root.is_dir():
            return []
        folders = [path for path in self._root.iterdir() if _VERSION.fullmatch(path.name) and path.is_dir()]
        return oldest_first(partial(self.manifest, path.name) for path in folders)

    def newest(self) -> Manifest | None:
        found = self.manifests()
        return found[-1] if found else None

    def manifest(self, version: str) -> Manifest:
        path = self._folder(version) / _MANIFEST
        try:
            data = json.loads(path.read_bytes())
        except FileNotFoundError as error:
            raise UnknownScorerError(f"no scorer {version!r} in {self._root}; make one with `kairos train`") from error
        except ValueError as error:
            raise BadInput(f"{path} is damaged ({error}); remove the folder and train again") from error
        manifest = Manifest.from_wire(data)
        if manifest.version != version or Path(manifest.file).name != manifest.file:
            raise BadInput(f"{path} describes {manifest.version!r}; remove the folder and train again")
        return manifest

    def load(self, version: str) -> Booster:
        manifest = self.manifest(version)
        path = self._folder(version) / manifest.file
        try:
            return Booster(path.read_bytes(), manifest)
        except FileNotFoundError as error:
            raise BadInput(f"{path} is missing; remove the folder and train again") from error

    def drop(self, version: str) -> None:
        """Remove the files of a version, whatever state they are in."""
        shutil.rmtree(self._folder(version), ignore_errors=True)

    def _folder(self, version: str) -> Path:
        if not _VERSION.fullmatch(version):
            raise UnknownScorerError(f"{version[:80]!r} is no version of a scorer; see `GET /v1/scorers`")
        return self._root / version
