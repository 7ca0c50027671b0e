"""The two ways in which a shard's process ends itself."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any, Final, NoReturn

import ray
import structlog

from models import limits

log = structlog.get_logger(__name__)
EXIT_STATUS: Final = 70


def leave(reason: str) -> NoReturn:
    """End the process now: no exit hook, no answer. Ray starts the actor again."""
    log.critical("leaving the process", reason=reason)
    os._exit(EXIT_STATUS)


def retire(reason: str) -> None:
    """End the actor for good: a later incarnation is in its place, and Ray shall not start this one again. Returns at
    once; until the actor is gone it answers nobody.

    An actor can leave in peace only out of one of its own calls. If that does not come about, the process ends itself;
    its restart finds the same reason.
    """
    log.warning("superseded; leaving for good", reason=reason)
    alarm = threading.Timer(limits.RETIRE_MS_MAX / 1_000, leave, [reason])
    alarm.daemon = True
    alarm.start()
    ray.get_runtime_context().current_actor.exit_for_good.remote()


def exit_actor() -> NoReturn:
    """Called by the actor's own method. Raises what tells Ray that this is intended."""
    exit_now: Callable[[], Any] = ray.actor.exit_actor
    exit_now()
    raise AssertionError("exit_actor returned")
