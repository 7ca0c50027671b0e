"""``WS /v1/stream``: the POST calls of the contract as binary msgpack frames, many in flight on one connection.

A frame is one binary message: ``{"id": n, "call": "decisions", "body": {...}}``, answered as it finishes by
``{"id": n, "status": 200, "body": {...}}``. ``handshake`` admits a connection, ``session`` reads and bounds it,
``frames`` knows the bytes, ``job`` runs a call without a task of its own, ``order`` keeps the order of one customer,
``outbox`` writes the answers, ``hub`` knows all connections of this gateway and ends them.
"""

from typing import Final

PATH: Final = "/v1/stream"
