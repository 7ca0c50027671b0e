"""The base of what calls answer."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class AnswerModel(BaseModel):
    """Later versions may say more, so unknown fields are not refused."""

    model_config = ConfigDict(extra="allow")
