"""Templates hold no code and no style of their own, and whatever is put into them stays text."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from jinja2 import ChoiceLoader, DictLoader, FileSystemLoader, UndefinedError

from cluster.console.formats import Formats
from cluster.console.rendering import FOLDER, Renderer
from cluster.console.static_files import StaticFiles

TEMPLATES = sorted(FOLDER.rglob("*.html"))
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
REFUSED = re.compile(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:|hx-on|https?://(?!www\.w3\.org)")
COLUMNS = "['A', {'label': 'B', 'num': true, 'title': evil}, {'label': evil, 'hidden': true}]"


def rendered(source: str, **context: Any) -> str:
    macros = '{% import "macros/blocks.html" as b %}{% import "macros/values.html" as v %}'
    loader = ChoiceLoader([DictLoader({"it": macros + source}), FileSystemLoader(FOLDER)])
    return Renderer(StaticFiles(), loader).render("it", Formats("USD", "America/New_York"), context)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_a_template_compiles_and_holds_nothing_that_the_policy_would_refuse(path: Path) -> None:
    text = path.read_text()
    Renderer(StaticFiles())._environment.get_template(str(path.relative_to(FOLDER)))
    assert REFUSED.findall(text) == []
    assert len(text.splitlines()) <= 400


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_only_drawings_of_ours_are_taken_for_markup(path: Path) -> None:
    """``|safe`` stands in the macro of icons alone, whose paths are written there."""
    if path.name != "icons.html":
        assert "|safe" not in path.read_text().replace(" ", "")


@pytest.mark.parametrize("source", [
    "{{ evil }}", "{{ v.badge(evil) }}", "{{ v.bar(0.5, evil) }}", "{{ v.amount(3, evil) }}",
    "{{ v.stack([{'share': 0.2, 'tone': 'good', 'label': evil}], evil) }}",
    "{% call b.stat(evil, evil) %}{{ evil }}{% endcall %}",
    "{% call b.table('t', evil, " + COLUMNS + ", evil) %}<tr><td>{{ evil }}</td></tr>{% endcall %}",
    "{% call b.chart('c', evil, {'x': [evil], 'series': [{'name': evil, 'data': [1]}]}, evil) %}{% endcall %}",
    "{% call b.empty(evil) %}{{ evil }}{% endcall %}", "{% call b.notice('bad', evil) %}{{ evil }}{% endcall %}",
    "<a href=\"{{ page_address('/why', evil, candidate=evil) }}\">x</a>",
])
def test_whatever_is_put_in_stays_text(source: str) -> None:
    text = rendered(source, evil=EVIL)
    assert "<script" not in text
    assert "<img" not in text
    assert re.search(r'="[^"]*"\'>', text) is None


def test_a_name_that_is_not_given_is_an_error_and_no_blank() -> None:
    with pytest.raises(UndefinedError):
        rendered("{{ customer.name }}", customer={})


def test_a_table_has_its_head_its_buttons_and_its_name() -> None:
    text = rendered(
        "{% call b.table('gates', 'gates', ['Gate', {'label': 'Removed', 'num': true}], 'Where they fall') %}"
        "<tr><th scope='row'>budget</th><td class='num'>{{ v.number(1234) }}</td></tr>{% endcall %}"
    )
    assert 'data-table-copy="gates"' in text
    assert 'data-table-csv="gates"' in text
    assert '<table class="data " id="gates" data-name="gates" aria-labelledby="gates-caption">' in text
    assert '<th scope="col" class="num">Removed</th>' in text
    assert '<data value="1234">1,234</data>' in text


def test_a_value_that_is_missing_is_a_dash_everywhere() -> None:
    for macro in ("number(none)", "percent(none)", "money(none)", "amount(none, 'x')", "time(none)", "duration(none)"):
        assert rendered("{{ v." + macro + " }}") == '<span class="nothing">–</span>'
