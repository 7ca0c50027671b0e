"""kill -9 of one kind of process of an installation on this machine, and what the scenarios say of it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Final

import gevent

from cluster.client import ClientError
from loadtests.users.shelf import Shelf
from loadtests.verdict.checks import Check, note
from loadtests.verdict.server import titled

SCORER: Final = "ray::ServeReplica:kairos-scorer"
#: In the order in which chaos kills them.
TITLES: Final = {
    "shard": "ray::ProfileShard", "coordinator": "ray::Coordinator", "scorer": SCORER,
    "gateway": "ray::ServeReplica:kairos:",
}
#: How long the scorer may take to be back after the run.
_BACK_S: Final = 90.0


def kill_one(data_dir: Path, title: str) -> int:
    """The pid that was killed; 0 when there is none at the moment."""
    for process in titled(data_dir, title):
        pid = int(process.pid)
        process.kill()
        return pid
    return 0


def may_kill(lead: Any) -> bool:
    """Only what was given to be killed; what is not done is said."""
    options = lead.options
    if options.may_kill and options.data_dir is not None:
        return True
    lead.checks.append(note(
        "nothing was killed", "the server is not this run's own; give --data-dir and --may-kill to let it be killed",
    ))
    return False


def note_kill(lead: Any, name: str, pid: int) -> None:
    if pid:
        at_s = round(time.perf_counter() - lead.begun_s, 1)
        lead.extra.setdefault("kills", []).append({"what": name, "pid": pid, "at_s": at_s})
        lead.say(f"kill -9 of a {name} (pid {pid}) after {at_s} s")


def scorer_is_back(lead: Any) -> Check:
    """Dry runs until one is scored again."""
    channel = Shelf(lead.prepared.catalog).inbound[0]
    customer = lead.prepared.briefs[0]["customers"][0]["id"]
    give_up_s = time.perf_counter() + _BACK_S
    begun_s = time.perf_counter()
    while time.perf_counter() < give_up_s:
        try:
            if not lead.client.decide(customer, channel.id, channel.placements, dry_run=True).degraded:
                waited = time.perf_counter() - begun_s
                return Check("decisions are scored again", True, f"{waited:.1f} s after the end of the run")
        except ClientError as error:
            lead.say(f"while waiting for the scorer: {error}")
        gevent.sleep(0.2)
    return Check("decisions are scored again", False, f"still degraded {_BACK_S:.0f} s after the end of the run")
