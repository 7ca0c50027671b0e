"""What a gateway's replica tells of itself: every family also has the label ``gateway``, for each replica answers for
itself and Prometheus meets one of them at each scrape. And what it says of others, whom any replica can ask."""

from __future__ import annotations

from typing import Final

from actors.metrics.family import COMMANDS, by_name, counter, gauge, histogram

REQUESTS: Final = counter("kairos_requests", "Answered requests by call and status", "call", "status")
REQUEST: Final = histogram("kairos_request_seconds", "From a request's head to its answer, by call", "call")
FRAMES: Final = counter("kairos_stream_frames", "Answered frames of streams by call and status", "call", "status")
FRAME: Final = histogram("kairos_stream_frame_seconds", "From a frame's arrival to its answer, by call", "call")
STAGE: Final = histogram(
    "kairos_stage_seconds", "A request's time by stage: gateway (without waiting), shard, score, commit", "stage",
)
STREAMS: Final = gauge("kairos_streams_open", "Streams that are open")
STREAMS_ENDED: Final = counter("kairos_streams_ended", "Streams that have ended, by close code", "code")
WAITING: Final = gauge("kairos_gateway_waiting_commands", "Commands queued for a shard, not yet sent", "lane")
BATCH_WAIT: Final = histogram("kairos_batch_wait_seconds", "From a command's arrival in its lane until it is sent")
LINK: Final = histogram("kairos_link_call_seconds", "From sending a batch to its shard until the answer is here")
BATCH: Final = histogram("kairos_batch_commands", "Commands sent in one call", bounds=COMMANDS)
CALLS_LOST: Final = counter("kairos_link_calls_lost", "Calls that a shard left unanswered: they are sent again")
DENIALS: Final = counter("kairos_denials", "Refused callers by reason", "reason")
ISSUER_KEYS_AGE: Final = gauge("kairos_issuer_keys_age_seconds", "Since the token issuer's keys were last read")

GATEWAY: Final = by_name((
    REQUESTS, REQUEST, FRAMES, FRAME, STAGE, STREAMS, STREAMS_ENDED, WAITING, BATCH_WAIT, LINK, BATCH, CALLS_LOST,
    DENIALS, ISSUER_KEYS_AGE,
))

#: Of others, as seen when they are asked for their figures.
SHARD_UP: Final = gauge("kairos_shard_up", "1 when the shard answered this scrape", "shard")
COORDINATOR_UP: Final = gauge("kairos_coordinator_up", "1 when the coordinator answered this scrape")
INSIGHT_UP: Final = gauge("kairos_insight_up", "1 when Insight answered this scrape")
RUNNING: Final = gauge("kairos_serving_replicas", "Replicas that run, as Ray Serve says", "application")
SEEN: Final = by_name((SHARD_UP, COORDINATOR_UP, INSIGHT_UP, RUNNING))
