"""Why a stream ends: the close codes of the contract, each with what the client should know or do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from models import limits


@dataclass(frozen=True, slots=True)
class Closing:
    """``code`` and ``reason`` go into the close frame; ``drains``: what is in flight is answered first."""

    code: int
    #: At most 123 bytes, as the protocol wants.
    reason: str
    drains: bool = False


#: 1000 to 1013 as RFC 6455 means them; 4000 and more are ours, after the HTTP status that says the same.
GOING_AWAY: Final = Closing(1001, "the gateway stops; connect again and repeat what was not answered", drains=True)
TEXT: Final = Closing(1003, "send binary msgpack frames")
MALFORMED: Final = Closing(1007, 'not a msgpack map with an "id" from 0 to 2**64 - 1; nothing can be answered')
TOO_LARGE: Final = Closing(1009, f"a frame of more than {limits.BATCH_BODY_BYTES_MAX} bytes without a readable id")
FAILED: Final = Closing(1011, "an error of the server; connect again and repeat what was not answered")
KEY_ENDED: Final = Closing(4401, "the key was revoked or has expired")
UNREAD: Final = Closing(4408, f"answers were not read for {limits.STREAM_UNREAD_MS_MAX // limits.SECOND_MS} s")
ID_IN_FLIGHT: Final = Closing(4409, "a frame came with the id of one that is still in flight")
