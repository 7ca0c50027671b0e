"""What a caller sends as ``traceparent`` is read exactly as W3C Trace Context says, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.tracing.setting import TraceSetting, require_exporter
from actors.tracing.traceparent import Traceparent
from cluster.settings import load_settings
from models.errors import BadInput

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
GOOD = f"00-{TRACE}-{SPAN}-01"


def test_a_traceparent_is_read_and_written_back() -> None:
    read = Traceparent.read(GOOD)
    assert read == Traceparent(int(TRACE, 16), int(SPAN, 16), is_sampled=True)
    assert read is not None
    assert read.write() == GOOD


@given(st.integers(1, 2**128 - 1), st.integers(1, 2**64 - 1), st.booleans())
def test_every_traceparent_comes_back_as_it_was(trace_id: int, span_id: int, is_sampled: bool) -> None:
    one = Traceparent(trace_id, span_id, is_sampled)
    assert Traceparent.read(one.write()) == one


def test_flags_that_are_not_known_yet_change_nothing() -> None:
    read = Traceparent.read(f"00-{TRACE}-{SPAN}-fe")
    assert read is not None
    assert not read.is_sampled


def test_a_later_version_may_say_more() -> None:
    assert Traceparent.read(f"01-{TRACE}-{SPAN}-01-what-comes-later") == Traceparent.read(GOOD)


@pytest.mark.parametrize("text", [
    "", "nonsense", GOOD.upper(), f"ff-{TRACE}-{SPAN}-01", f"00-{'0' * 32}-{SPAN}-01", f"00-{TRACE}-{'0' * 16}-01",
    f"{GOOD}-more", f" {GOOD}", f"{GOOD}\n", GOOD.replace("-", "_"), f"00-{TRACE}-{SPAN}-1",
    f"01-{TRACE}-{SPAN}-01more", f"01-{TRACE}-{SPAN}-01-{'x' * 1_000}", "٠٠" + GOOD[2:],
])
def test_what_is_malformed_is_nobodys_trace(text: str) -> None:
    assert Traceparent.read(text) is None


def test_of_many_traces_the_ratio_chooses_its_share_and_always_the_same_ones() -> None:
    traces = [Traceparent(number * 2**50, 1, is_sampled=True) for number in range(1, 2**14)]
    chosen = [trace for trace in traces if trace.falls_within(0.25)]
    assert len(chosen) == pytest.approx(len(traces) / 4, rel=0.01)
    assert [trace for trace in traces if trace.falls_within(1.0)] == traces
    assert not any(trace.falls_within(0.0) for trace in traces)


@pytest.mark.parametrize("text", [
    "on", "otlp", "otlp:", "otlp:collector:4318", "otlp:ftp://collector", "otlp:http://user:pw@collector:4318", "otlp:http://[",
])
def test_a_setting_that_is_wrong_is_refused_with_what_to_say(text: str) -> None:
    with pytest.raises(BadInput, match="traces"):
        TraceSetting.parse(text)


def test_the_path_of_otlp_is_added_where_none_is_given() -> None:
    assert TraceSetting.parse("otlp:http://collector:4318").url == "http://collector:4318/v1/traces"
    assert TraceSetting.parse("otlp:https://collector/own/path").url == "https://collector/own/path"


def test_an_exporter_that_is_missing_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.tracing.setting.find_spec", lambda _: None)
    require_exporter(TraceSetting.parse("console"))
    with pytest.raises(BadInput, match=r"pip install 'kairos-decisioning\[otlp\]'"):
        require_exporter(TraceSetting.parse("otlp:http://collector:4318"))


def test_settings_refuse_an_exporter_that_is_not_there_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("actors.tracing.setting.find_spec", lambda _: None)
    with pytest.raises(BadInput, match="pip install"):
        load_settings(traces="otlp:http://collector:4318")
    assert load_settings(traces="console").traces == "console"
