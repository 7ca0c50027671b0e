"""What a form sent: fields of text, bounded, with line ends as we write them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request

from cluster.console.problems import PageProblem, of_status
from models import limits

_MEDIA: Final = "application/x-www-form-urlencoded"


class Form(Mapping[str, str]):
    """The last value under each name; ``all(name)`` gives every one."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._pairs = pairs
        self._last = dict(pairs)

    def __getitem__(self, name: str) -> str:
        return self._last[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._last)

    def __len__(self) -> int:
        return len(self._last)

    def all(self, name: str) -> list[str]:
        return [value for given, value in self._pairs if given == name]


async def read_form(request: Request) -> Form:
    """The request's form. Raises ``PageProblem``: 413 beyond the bound, 400 for what is no form."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limits.CONSOLE_FORM_BYTES_MAX:
            raise PageProblem(of_status(413, "What was sent is larger than a catalog of 1 MiB can be."))
    if not body:
        return Form([])
    if media != _MEDIA:
        raise PageProblem(of_status(400, f"A form comes as {_MEDIA}."))
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict",
            max_num_fields=limits.CONSOLE_FORM_FIELDS_MAX,
        )
    except ValueError as error:
        raise PageProblem(of_status(400, f"The form cannot be read: {error}.")) from error
    return Form([(name, value.replace("\r\n", "\n")) for name, value in pairs])
