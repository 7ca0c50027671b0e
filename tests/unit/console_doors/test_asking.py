"""``kairos console`` asks until the console is there, and says what is wrong when it never is."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from cluster.cli import app
from cluster.console import asking
from models.errors import BadInput, KairosError

TOKEN = "t" * 43
GIVEN = httpx.Response(200, json={"link": f"/console/in/{TOKEN}", "expires": "2026-11-22T14:10:00Z"})


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[httpx.Response | Exception]:
    """Given one after the other, the last for ever; ``monkeypatch`` takes the wait out."""
    given: list[httpx.Response | Exception] = []

    def post(url: str, *, headers: dict[str, str], **_: object) -> httpx.Response:
        assert url == "http://there/console/links"
        assert headers == {"authorization": "Bearer the-key"}
        answer = given.pop(0) if len(given) > 1 else given[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(asking.httpx, "post", post)
    monkeypatch.setattr(asking, "_PAUSE_S", 0.0)
    return given


def test_it_waits_for_a_console_that_starts(answers: list[httpx.Response | Exception]) -> None:
    answers += [
        httpx.ConnectError("refused"), httpx.Response(404, json={"detail": "there is no such endpoint"}),
        httpx.Response(500, text="<html>"), httpx.Response(200, text="not json"), httpx.Response(200, json=[]), GIVEN,
    ]
    assert asking.ask_for_link("http://there", "the-key").url == f"http://there/console/in/{TOKEN}"


def test_it_says_when_there_is_none(answers: list[httpx.Response | Exception]) -> None:
    answers.append(httpx.Response(404, json={"detail": "there is no such endpoint"}))
    with pytest.raises(KairosError, match=r"no console answers.*no such endpoint.*--no-console"):
        asking.ask_for_link("http://there", "the-key", wait_s=0.0)


def test_a_key_that_is_refused_is_not_tried_again(answers: list[httpx.Response | Exception]) -> None:
    answers += [httpx.Response(401, json={"detail": "unknown key"}), GIVEN]
    with pytest.raises(BadInput, match="unknown key"):
        asking.ask_for_link("http://there", "the-key")


def command(*arguments: str, key: str | None = None) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["console", "--url", "http://there", *arguments], env={"KAIROS_KEY": key})
    return done.exit_code, done.stdout + str(done.exception or "")


def test_the_command_prints_the_link_alone(answers: list[httpx.Response | Exception], tmp_path: Path) -> None:
    answers.append(GIVEN)
    assert command(key="the-key") == (0, f"http://there/console/in/{TOKEN}\n")
    file = tmp_path / "key"
    file.write_text("the-key\n")
    code, said = command("--key", f"@{file}", "--json")
    assert code == 0
    assert f'"url": "http://there/console/in/{TOKEN}"' in said


@pytest.mark.parametrize(("content", "said"), [
    (None, "cannot read"), (b"", "holds no key"), (b"two words", "holds no key"), (b"\xff", "cannot read"),
])
def test_a_file_without_a_key_is_named(tmp_path: Path, content: bytes | None, said: str) -> None:
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    code, told = command("--key", f"@{file}")
    assert code == 1
    assert said in told
    assert str(file) in told


def test_a_key_on_the_command_line_is_refused_and_not_repeated() -> None:
    code, said = command("--key", "kairos_secret")
    assert code == 1
    assert "@FILE" in said
    assert "kairos_secret" not in said
