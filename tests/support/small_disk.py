"""A disk that can be filled up: a file system in memory, mounted over a folder."""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path
from typing import Final

_BALLAST: Final = "ballast"
_BLOCK: Final = 4_096


class SmallDisk:
    """``folder`` exists and is empty; ``owner``: (user, group). Needs root."""

    def __init__(self, folder: Path, size: int, owner: tuple[int, int]) -> None:
        self._folder, self._size, self._owner = folder, size, owner
        self._is_made = False

    def make(self) -> None:
        user, group = self._owner
        options = f"size={self._size},mode=0700,uid={user},gid={group}"
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "kairos-test", str(self._folder)], check=True, capture_output=True,
        )
        self._is_made = True

    def fill(self) -> None:
        """Take all that is left; called again, what was given back meanwhile."""
        size = self._size // 8
        with (self._folder / _BALLAST).open("ab") as ballast:
            while size >= _BLOCK:
                try:
                    os.posix_fallocate(ballast.fileno(), os.fstat(ballast.fileno()).st_size, size)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    size //= 2

    def free(self) -> None:
        (self._folder / _BALLAST).unlink()

    def remove(self) -> None:
        """Whoever uses it has ended."""
        if self._is_made:
            subprocess.run(["umount", "--lazy", str(self._folder)], check=True, capture_output=True)
            self._folder.rmdir()
