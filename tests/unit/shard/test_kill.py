"""Kill -9 of a whole shard in the middle of its work: what was acknowledged is there, once, with the same answer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from unit.shard.rig import Rig, decision, event, run, send

ROOT = Path(__file__).parents[3]
CHILD = Path(__file__).with_name("shard_child.py")


def _killed_after(directory: Path, first: int, lines_wanted: int) -> list[list[str]]:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    child = subprocess.Popen(
        [sys.executable, str(CHILD), str(directory), str(first)], stdout=subprocess.PIPE, env=environment, text=True,
        stderr=subprocess.DEVNULL,
    )
    assert child.stdout is not None
    lines = []
    for line in child.stdout:
        if line.endswith("\n") and line[0].isdigit() and len(line.split()) == 5:
            lines.append(line.split())
        if len(lines) == lines_wanted:
            child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    return lines


def test_what_a_shard_acknowledged_survives_its_kill(tmp_path: Path) -> None:
    lines: list[list[str]] = []
    for wanted in (25, 60):
        first = int(lines[-1][0]) + 30 if lines else 0
        lines += _killed_after(tmp_path, first, wanted)

    async def scenario() -> None:
        async with Rig(tmp_path).shard() as shard:
            for line in lines:
                number = int(line[0])
                commands = [event(f"c{n % 50}", f"e{n}", total=n) for n in range(number, number + 3)]
                replies = await send(shard, *commands, decision(f"c{number % 50}", f"r{number}"))
                assert [body["status"] for _, body in replies[:3]] == ["duplicate"] * 3
                assert [str(body["state_version"]) for _, body in replies[:3]] == line[1:4]
                assert replies[3][1]["decision_id"] == line[4]

    run(scenario())
    assert len(lines) >= 85
