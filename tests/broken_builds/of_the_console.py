"""Broken builds of what the console and Insight promise."""

from __future__ import annotations

from typing import Final

from .build import Build

_INSIGHT: Final = "tests/unit/insight"
_CONSOLE: Final = "tests/unit/console"
_DOORS: Final = "tests/unit/console_doors"
_SHARD: Final = "tests/unit/shard"
_WHATIF: Final = "tests/unit/whatif"

_COUNTS: Final = (
    Build(
        12, "a row is counted twice after a restart", "models/insight/rows.py",
        "if row.parts and row.seq > counted_after else None", "if row.parts else None",
        (f"{_INSIGHT}/test_positions_and_counts.py", f"{_INSIGHT}/test_counts_add_up.py"),
    ),
    Build(
        12, "a snapshot holds positions ahead of its counts", "actors/insight/counting.py",
        "self.snapshot.positions[shard] = max(standing.seq, standing.counted)",
        "self.snapshot.positions[shard] = standing.newest",
        (f"{_INSIGHT}/test_positions_and_counts.py",),
    ),
    Build(
        12, "who was erased stays among the recent decisions", "models/insight/recent.py",
        "for customer in erased:\n", "for customer in ():\n",
        (f"{_INSIGHT}/test_recent_decisions.py::test_who_is_erased_is_not_told_any_more_and_who_begins_anew_is",),
    ),
    Build(
        12, "what was erased is still fed from memory", "actors/shard/feed.py",
        'if "e" in part.public:', "if False:",
        (f"{_SHARD}/test_feed.py::test_memory_and_journal_feed_the_same_rows_whatever_was_erased_meanwhile",),
    ),
    Build(
        12, "fates name the wrong policy", "models/arbitration/fates.py",
        "CONTACT_POLICY | (policy + 1) << _GATE_BITS", "CONTACT_POLICY | (policy + 2) << _GATE_BITS",
        ("tests/unit/arbitration/test_fates.py",),
    ),
)
_WHO_SEES: Final = (
    Build(
        12, "recent decisions of other tenants are told", "models/insight/recent.py",
        "[one for one in self._decisions if tag in (None, one[2][:TENANT_TAG_BYTES])]", "list(self._decisions)",
        (f"{_INSIGHT}/test_recent_decisions.py",),
    ),
    Build(
        12, "who may not see customers is told their ids", "actors/gateway/routes/insight.py",
        '{**decision, "customer_id": None}', "{**decision}",
        ("tests/unit/gateway/test_insight_calls.py",),
    ),
    Build(
        12, "one viewer's unchanged part is another's with other scopes", "cluster/console/view.py",
        "self.session.tenant, *sorted(self.session.scopes), ", "self.session.tenant, ",
        (f"{_CONSOLE}/test_views_and_fragments.py",),
    ),
    Build(
        12, "a page is made for who lacks its scope", "cluster/console/app.py",
        "if route.scope is not None and not view.can(route.scope):", "if route.scope is None:",
        (f"{_CONSOLE}/test_frame.py",),
    ),
    Build(
        12, "what is put into a page is not escaped", "cluster/console/rendering.py",
        "autoescape=True", "autoescape=False",
        (f"{_CONSOLE}/test_templates.py::test_whatever_is_put_in_stays_text",),
    ),
    Build(
        12, "the metrics name the customer whose page was asked for", "cluster/console/app.py",
        "name_page(request.scope, found.route.path)", "name_page(request.scope, path)",
        (f"{_DOORS}/test_figures_of_the_console.py",),
    ),
)
_DOORS_HOLD: Final = (
    Build(
        12, "a form without the session's secret is taken", "cluster/console/security.py",
        "if given and hmac.compare_digest(expected.encode(), given.encode()):", "if expected:",
        (f"{_CONSOLE}/test_frame.py::test_a_form_from_elsewhere_or_without_the_secret_changes_nothing",),
    ),
    Build(
        12, "a form from another site is taken", "cluster/console/security.py",
        'same = origin != "null" and urlsplit(origin).netloc == headers.get("host", "")', 'same = origin != "null"',
        (f"{_CONSOLE}/test_frame.py::test_a_form_from_elsewhere_or_without_the_secret_changes_nothing",),
    ),
    Build(
        12, "a link opens twice", "cluster/console/doors/sealed.py",
        "self._vault.take(LINK, token)", "self._vault.get(LINK, token)",
        (f"{_DOORS}/test_entering.py::test_a_link_used_twice_is_a_page_that_says_what_to_do",),
    ),
    Build(
        12, "scripts can read the session's cookie", "cluster/console/doors/cookies.py",
        "max_age=seconds, path=ROOT, httponly=True", "max_age=seconds, path=ROOT, httponly=False",
        (f"{_DOORS}/test_entering.py::test_a_link_begins_a_session_that_only_the_consoles_own_pages_send",),
    ),
    Build(
        12, "a session outlives its key", "cluster/console/frame.py",
        "            await self._sessions.end(cookie)\n", "            cookie.strip()\n",
        (f"{_DOORS}/test_sessions_end.py::test_a_session_ends_with_its_key_and_does_not_come_back",),
    ),
)
_LOOKS: Final = (
    Build(
        12, "a look back reads a version too new", "models/turn/past.py",
        "self.profile.state_version == self._until", "self.profile.state_version > self._until",
        (f"{_SHARD}/test_past.py::test_what_a_version_was_is_told_to_the_byte_of_its_own_moment",),
    ),
    Build(
        12, "a decision that comes out otherwise is called the same", "actors/shard/explanations.py",
        '"same": self.again.equals(self.replayed.fact)', '"same": True',
        (f"{_SHARD}/test_past_decisions.py::test_a_difference_is_told_and_not_raised",),
    ),
    Build(
        12, "a what-if brings customers into the live memory", "actors/shard/snapshots.py",
        "            one = stored.profiles[customer]\n",
        "            one = stored.profiles[customer]\n            parts.residency.admit(one)\n",
        (f"{_SHARD}/test_snapshots.py::test_it_tells_customers_as_they_are_wherever_they_lie_and_changes_nothing",),
    ),
    Build(
        12, "a what-if is no dry run", "models/whatif/asking.py",
        '"dry_run": True', '"dry_run": False',
        (f"{_WHATIF}/test_what_is_asked.py", f"{_WHATIF}/test_same_catalog.py"),
    ),
    Build(
        12, "a catalog is published over one that nobody looked at", "cluster/console/catalog_trial.py",
        "if_match=expected", "if_match=None",
        (f"{_CONSOLE}/test_page_whatif.py",),
    ),
)

CONSOLE: Final = (*_COUNTS, *_WHO_SEES, *_DOORS_HOLD, *_LOOKS)
