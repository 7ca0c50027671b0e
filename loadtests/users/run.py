"""One run of a scenario, wired to Locust's events: brief, generate, gather, judge.

The process that *leads* (Locust's master, or the only process) prepares the server, briefs every generating process,
ends the run, and judges. Processes that *generate* (workers, or the only process) let users call, and afterwards check
their own customers from the timelines; to the leader they send what they noted, which merges. Messages between Locust's
processes are these:

    kairos_brief   leader -> worker   its customers, the catalog, rate, ids (never the key)
    kairos_begun   worker -> leader   its users may call now; the run's clock starts with the last of these
    kairos_finish  leader -> worker   begin nothing more, check, report
    kairos_part    worker -> leader   record, exactness, what the generator used
"""

from __future__ import annotations

import sys
from typing import Any

import gevent
import locust
from locust.runners import MasterRunner, WorkerRunner

from loadtests.users.briefing import Scenario
from loadtests.users.caller import Caller
from loadtests.users.generating import Generating
from loadtests.users.leading import Lead, hush_locust
from loadtests.users.options import Options, add_options, read_options, take_key
from models.errors import KairosError


class Control:
    """Listens to one Locust process."""

    def __init__(self, scenario: Scenario, events: Any) -> None:
        self._scenario = scenario
        self._key = ""
        self._environment: Any = None
        self._brief: dict[str, Any] = {}
        self._generating: Generating | None = None
        self._lead: Lead | None = None
        events.init_command_line_parser.add_listener(add_options)
        events.init.add_listener(self._init)
        events.test_start.add_listener(self._start)
        events.test_stopping.add_listener(self._stopping)
        # An interrupted Locust settles its exit status here, before it stops the test.
        events.quitting.add_listener(self._stopping)

    def caller(self) -> Caller | None:
        """For a new user of this process; None when the run could not begin, or has ended."""
        return None if self._generating is None else self._generating.caller()

    def _init(self, environment: Any, **_: Any) -> None:
        self._environment, runner = environment, environment.runner
        try:
            self._key = take_key(environment.parsed_options)
        except KairosError as error:
            raise SystemExit(f"load test: {error}") from error
        if isinstance(runner, WorkerRunner):
            runner.register_message("kairos_brief", self._on_brief)
            runner.register_message("kairos_finish", self._on_finish, concurrent=True)
        elif isinstance(runner, MasterRunner):
            runner.register_message("kairos_begun", self._on_begun)
            runner.register_message("kairos_part", self._on_part)

    def _options(self) -> Options:
        return read_options(self._environment.parsed_options)

    # the leader, and the only process

    def _start(self, environment: Any, **_: Any) -> None:
        if isinstance(environment.runner, WorkerRunner):
            self._generate()
            environment.runner.send_message("kairos_begun")
            return
        # Whatever goes wrong from here on fails the run, unless a verdict says otherwise.
        environment.process_exit_code = 1
        try:
            lead = self._lead = Lead(self._scenario, self._options(), self._key, environment.runner)
            briefs = lead.prepare()
        except KairosError as error:
            self._lead = None
            lead_failed(environment, error)
            return
        if isinstance(environment.runner, MasterRunner):
            for client, brief in zip(lead.workers, briefs, strict=True):
                environment.runner.send_message("kairos_brief", brief, client)
        else:
            self._brief = briefs[0]
            self._generate()
            lead.begin(self._end)

    def _end(self) -> None:
        """Time is up."""
        runner = self._environment.runner
        if self._environment.parsed_options.headless:
            runner.quit()
        else:
            runner.stop()

    def _stopping(self, environment: Any, **_: Any) -> None:
        """Before any user is stopped: everybody finishes its call, then comes the verdict."""
        lead = self._lead
        if lead is None or lead.is_concluding:
            return
        lead.leave_alone()
        if self._generating is not None:
            lead.part(environment.runner.client_id, self._generating.finish())
            self._generating = None
        else:
            environment.runner.send_message("kairos_finish")
        if lead.prepared is not None and lead.conclude():
            environment.process_exit_code = 0
        self._lead = None

    def _on_begun(self, **_: Any) -> None:
        if self._lead is not None:
            self._lead.begin(self._end)

    def _on_part(self, msg: Any, **_: Any) -> None:
        if self._lead is not None:
            self._lead.part(msg.node_id, msg.data)

    # a worker

    def _on_brief(self, msg: Any, **_: Any) -> None:
        self._brief = msg.data

    def _on_finish(self, environment: Any, **_: Any) -> None:
        if self._generating is not None:
            environment.runner.send_message("kairos_part", self._generating.finish())
            self._generating = None

    def _generate(self) -> None:
        if self._brief:
            self._generating = Generating(self._brief, self._key, self._environment)


def lead_failed(environment: Any, error: Exception) -> None:
    """Say why in one line, without tables of nothing, and leave."""
    hush_locust()
    print(f"load test: {error}", file=sys.stderr, flush=True)
    gevent.spawn_later(0, environment.runner.quit)


_controls: list[Control] = []


def install(scenario: Scenario) -> None:
    """A scenario's file calls it once."""
    _controls.append(Control(scenario, locust.events))


def control() -> Control:
    """Of the scenario that this process runs."""
    return _controls[-1]
