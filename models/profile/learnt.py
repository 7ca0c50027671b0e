"""What learning keeps with a customer: the experiments it was exposed to, and scores that targets gave it."""

from __future__ import annotations

from models.immutable import immutable


@immutable
class Exposure:
    """A customer's part in one experiment, fixed when it was first exposed."""

    variant: str
    #: Turn clock (ms) of the first decision under the variant.
    exposed_ms: int
    #: When the observation ends (ms).
    until_ms: int
    #: True when the observation has ended and was counted.
    observed: bool
    #: Within the observation so far: accepted contacts, and the value of what came of them in millionths.
    accepts: int
    value_micros: int


@immutable
class Score:
    """The last value of one target for a customer, which rules and features read as ``profile.scores.<target>``."""

    #: A number, or the id of a channel where that is what the target predicts.
    value: float | str
    #: Of the scorer that said so.
    version: str
    #: When it was worked out (ms).
    at_ms: int
