"""What the leading process does: prepares the server, watches it, disturbs it if the scenario wants that, judges."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import gevent
from locust.runners import MasterRunner
from rich.console import Console

from cluster.client import ClientError, Kairos
from loadtests.users.briefing import Prepared, Scenario, budgets_of, prepare, restore
from loadtests.users.options import Options
from loadtests.verdict.budgets import check_budgets, has_arrived
from loadtests.verdict.checks import Check
from loadtests.verdict.exact import Exactness
from loadtests.verdict.judge import Run, verdict
from loadtests.verdict.record import Record
from loadtests.verdict.report import print_verdict
from loadtests.verdict.server import ServerMeter

#: How long workers may take to check their customers, and budgets to show what was acknowledged.
_PARTS_S: Final = 900.0
_BUDGETS_S: Final = 20.0
#: The server is looked at so often at most, and about so many times in a run.
_SAMPLE_S_MIN: Final = 0.5
_SAMPLES: Final = 300
_ASIDE_TIMEOUT_S: Final = 60.0


class Lead:
    def __init__(self, scenario: Scenario, options: Options, key: str, runner: Any) -> None:
        self.scenario: Final = scenario
        self.options: Final = options
        self.client: Final = Kairos(options.url, key, timeout_s=_ASIDE_TIMEOUT_S)
        self._runner = runner
        #: Ids of the workers; the only process is its own.
        self.workers: Final = _workers(runner)
        self.prepared: Prepared | None = None
        self.server: ServerMeter | None = None
        self.begun_s = 0.0
        self._parts_of: dict[str, Mapping[str, Any]] = {}
        self._aside: list[gevent.Greenlet] = []
        self._beginning = 0
        self._bugs = 0
        self.is_concluding = False
        #: What ``during`` leaves for the verdict.
        self.checks: list[Check] = []
        self.extra: dict[str, Any] = {}

    def say(self, line: str) -> None:
        print(f"load test: {line}", file=sys.stderr, flush=True)

    def prepare(self) -> list[dict[str, Any]]:
        """One brief per generating process. Raises ``KairosError``."""
        self.prepared = prepare(self.client, self.scenario, self.options, len(self.workers), self.say)
        if self.options.data_dir is not None:
            self.server = ServerMeter(self.options.data_dir)
        return self.prepared.briefs

    def begin(self, end: Callable[[], None]) -> None:
        """One generating process more has begun. With the last of them the clock starts; ``end`` is called when the
        run's seconds are over."""
        self._beginning += 1
        if self._beginning < len(self.workers):
            return
        self.begun_s = time.perf_counter()
        if self.options.seconds:
            gevent.spawn_later(self.options.seconds, end)
        if self.server is not None:
            self._aside.append(gevent.spawn(self._watch, self.server))
        if self.scenario.during is not None:
            self._aside.append(gevent.spawn(self.scenario.during, self))

    def _watch(self, server: ServerMeter) -> None:
        while True:
            server.sample()
            gevent.sleep(max(_SAMPLE_S_MIN, self.options.seconds / _SAMPLES))

    def part(self, worker: str, part: Mapping[str, Any]) -> None:
        """What one generating process noted."""
        self._parts_of[worker] = part

    @property
    def _parts(self) -> list[Mapping[str, Any]]:
        return [self._parts_of[worker] for worker in self.workers if worker in self._parts_of]

    def _waited_for(self) -> list[str]:
        """Workers that have not reported and are still there."""
        there = self._runner.clients if isinstance(self._runner, MasterRunner) else ()
        return [worker for worker in self.workers if worker not in self._parts_of and worker in there]

    def leave_alone(self) -> None:
        """The load is over: nothing disturbs or watches the server any more."""
        self.is_concluding = True
        if self.server is not None and self.begun_s:
            self.server.sample()
        for greenlet in self._aside:
            # What ended by an exception of its own has proven nothing.
            self._bugs += greenlet.ready() and not greenlet.successful()
            greenlet.kill()

    def conclude(self) -> bool:
        """Wait for every part, judge, show; True when the run passed."""
        give_up_s = time.perf_counter() + _PARTS_S
        while self._waited_for() and time.perf_counter() < give_up_s:
            gevent.sleep(0.05)
        run = self._run()
        try:
            run.checks += self._budgets(run.record)
            if self.scenario.after is not None:
                self.scenario.after(self, run)
            restore(self.client, self.prepared.caps if self.prepared else {})
        except ClientError as error:
            run.checks.append(Check("the server answered afterwards", False, str(error)))
        run.checks += self.checks
        run.extra |= self.extra
        self.client.close()
        hush_locust()
        body = verdict(run)
        if self.options.json is not None:
            self.options.json.write_text(json.dumps(body, indent=2))
        print_verdict(body, Console(width=None if sys.stdout.isatty() else 160))
        return bool(body["passed"])

    def _run(self) -> Run:
        options, record, exactness = self.options, Record(), Exactness()
        for part in self._parts:
            record.merge(Record.from_wire(part["record"]))
            exactness.merge(Exactness.from_wire(part["exactness"]))
        return Run(
            scenario=self.scenario.name, id=options.run, url=options.url, transport=options.transport,
            seconds=max((part["seconds"] for part in self._parts), default=0.0), users=self._runner.target_user_count,
            rate=options.rate, arrivals=options.arrivals, record=record, exactness=exactness,
            generators=[part["generator"] for part in self._parts],
            server=self.server.figures() if self.server is not None else None, errors_max=options.errors_max,
            bugs=self._bugs + sum(part["bugs"] for part in self._parts),
            silent=len(self.workers) - len(self._parts),
        )

    def _budgets(self, record: Record) -> list[Check]:
        before = self.prepared.budgets if self.prepared else None
        after = budgets_of(self.client)
        if before is None or after is None:
            return [Check("budgets", None, "not checked: the key lacks config:read")]
        give_up_s = time.perf_counter() + _BUDGETS_S
        while not has_arrived(before, after, record) and time.perf_counter() < give_up_s:
            gevent.sleep(0.5)
            after = budgets_of(self.client) or after
        return check_budgets(before, after, record, alone=self.options.alone)


def hush_locust() -> None:
    """Locust's own table would follow the verdict, with percentiles that say something else."""
    logging.getLogger("locust.stats_logger").disabled = True


def _workers(runner: Any) -> list[str]:
    if not isinstance(runner, MasterRunner):
        return [runner.client_id]
    ready = [client.id for client in runner.clients.all]
    return sorted(ready, key=runner.get_worker_index)
