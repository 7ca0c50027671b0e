"""What a replica of the console tells of itself, through Insight. Every family also has the label ``console``: the
replica. None says anything of who looked."""

from __future__ import annotations

from typing import Final

from actors.metrics.family import by_name, counter, gauge, histogram

REQUESTS: Final = counter(
    "kairos_console_requests", "Answered requests of browsers by page (as a pattern) and status", "page", "status"
)
REQUEST: Final = histogram("kairos_console_request_seconds", "From a browser's request to its answer, files left out")
VIEWERS: Final = gauge("kairos_console_viewers", "Sessions that asked for something within the last minute")
BEGUN: Final = counter("kairos_console_sessions", "Sessions begun by opening a link")

CONSOLE: Final = by_name((REQUESTS, REQUEST, VIEWERS, BEGUN))
