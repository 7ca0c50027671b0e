"""One measured round: the generator as a process of its own, the servers' clocks read before and after."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import asdict, dataclass, field
from typing import Any

from loadtests.bench import cpu
from loadtests.bench.generator.plan import Plan, Result
from models.errors import KairosError


@dataclass(slots=True)
class Round:
    """What a workload did once. ``units``: decisions per request."""

    result: Result
    units: int = 1
    #: Microseconds of CPU per decision, by role.
    cpu_us: dict[str, float] = field(default_factory=dict)

    @property
    def per_s(self) -> float:
        return self.result.per_s * self.units

    def to_plain(self) -> dict[str, Any]:
        return {"per_s": self.per_s, "units": self.units, "cpu_us": self.cpu_us, **{
            name: value for name, value in asdict(self.result).items() if name != "per_s"
        }}


def measure(plan: Plan, pid: int, units: int = 1) -> Round:
    """Run a plan against the server that is process ``pid``."""
    generator = subprocess.Popen(
        [sys.executable, "-m", "loadtests.bench.generator", plan.to_json()], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True,
    )
    assert generator.stdin is not None
    assert generator.stdout is not None
    generator.stdout.readline()
    before = cpu.spent(pid)
    generator.stdin.write("\n")
    generator.stdin.flush()
    said = generator.stdout.readline()
    after = cpu.spent(pid)
    if generator.wait() != 0 or not said:
        raise KairosError(f"the generator failed at {plan.source} on {plan.path}; see its output above")
    result = Result.from_json(said)
    spent = cpu.since(before, after)
    spent[cpu.AFTERWARDS] = sum(
        seconds for role, seconds in cpu.since(after, cpu.settle(pid)).items() if role != cpu.OTHERS
    )
    return Round(result, units, cpu.per_unit_us(spent, result.answered * units))
