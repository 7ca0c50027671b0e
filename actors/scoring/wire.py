"""What passes between a shard and a scorer elsewhere: one matrix there, its numbers back.

A request is msgpack ``{"version": str | None, "rows": n, "cols": c, "data": float32 bytes, little-endian, row by
row}``, its answer ``{"version", "scores": float32 bytes}``. With ``"explain": True`` the answer has
``"contributions"`` instead, float32 bytes of [rows, features + 1] in log-odds, for a bounded number of rows. Version
None asks nothing and is answered ``{"version": None}``: the caller only wants to know that a scorer is there. A turn
that is traced adds its ``"traceparent"``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from actors.tracing.current import current_traceparent
from models import limits
from models.canonical import pack, unpack
from models.errors import BadInput

_FLOAT32: Final = np.dtype("<f4")
_SCORES: Final = "scores"
_CONTRIBUTIONS: Final = "contributions"
#: What the link to a scorer is for, as both its ends say in the handshake, and its one method.
PURPOSE: Final = "scorer"
METHOD: Final = "score"
PING: Final = pack({"version": None, "rows": 0, "cols": 0, "data": b""})
PONG: Final = pack({"version": None})


@dataclass(frozen=True, slots=True)
class Asked:
    #: None: the caller only wants to know that a scorer is there.
    version: str | None
    #: float32[rows, features].
    matrix: NDArray[np.float32]
    explain: bool
    #: "" when nobody is traced.
    traceparent: str = ""


def pack_asked(version: str, matrix: NDArray[np.float32], *, explain: bool = False) -> bytes:
    rows, columns = matrix.shape
    # The array's own memory is packed: a copy of it by ``tobytes`` would be one more.
    data = np.ascontiguousarray(matrix, _FLOAT32).reshape(-1).view(np.uint8).data if rows and columns else b""
    request: dict[str, Any] = {"version": version, "rows": rows, "cols": columns, "data": data}
    if explain:
        request["explain"] = True
    traceparent = current_traceparent()
    if traceparent:
        request["traceparent"] = traceparent
    return pack(request)


def unpack_asked(request: bytes) -> Asked:
    """Raises ``BadInput``."""
    try:
        body = unpack(request)
        version, rows, columns, data = body["version"], body["rows"], body["cols"], body["data"]
        matrix = np.frombuffer(data, _FLOAT32).reshape(rows, columns)
        explain = bool(body.get("explain"))
        traceparent = str(body.get("traceparent", ""))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadInput(f"a request to the scorer is malformed ({error}); see actors.scoring.wire") from error
    if not isinstance(version, str | None):
        raise BadInput("a request to the scorer names no version; see actors.scoring.wire")
    if explain and rows > limits.EXPLAINED_ROWS_MAX:
        raise BadInput(f"{rows} rows to explain, at most {limits.EXPLAINED_ROWS_MAX} at once; ask for the best alone")
    return Asked(version, matrix, explain, traceparent)


def pack_answer(asked: Asked, numbers: NDArray[np.float32]) -> bytes:
    """``numbers``: scores, or the contributions that were asked for."""
    name = _CONTRIBUTIONS if asked.explain else _SCORES
    return pack({"version": asked.version, name: numbers.astype(_FLOAT32, copy=False).tobytes()})


def unpack_scores(answer: bytes, version: str) -> NDArray[np.float32]:
    """float32, as many as the answer has. Raises ``BadInput`` when it is of another version, or no answer."""
    return _numbers(answer, version, _SCORES)


def unpack_contributions(answer: bytes, version: str, columns: int) -> NDArray[np.float32]:
    """float32[rows, columns + 1]. Raises ``BadInput``."""
    found = _numbers(answer, version, _CONTRIBUTIONS)
    if found.size % (columns + 1):
        raise BadInput(f"the scorer's answer has {found.size} numbers, no multiple of {columns + 1}")
    return found.reshape(-1, columns + 1)


def _numbers(answer: bytes, version: str, name: str) -> NDArray[np.float32]:
    try:
        body = unpack(answer)
        answered, data = body["version"], body[name]
        found: NDArray[np.float32] = np.frombuffer(data, _FLOAT32)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadInput(f"the scorer's answer is malformed ({error}); see actors.scoring.wire") from error
    if answered != version:
        raise BadInput(f"the answer is of scorer {answered!r}, {version!r} was asked")
    return found
