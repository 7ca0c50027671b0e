"""Whatever is asked about roles, in whatever order: the roles are sound, what is refused changes nothing, and facts and
checkpoints bring them back."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from unit.coordination import shop
from unit.coordination.shop import NOON_MS
from unit.coordination.test_coordinator_commands import ask, shards_of
from unit.coordination.test_roles_of_scorers import naming

from models import limits
from models.canonical import pack, unpack
from models.coordination.commands import (
    CanaryScorer,
    Command,
    PromoteScorer,
    PublishCatalog,
    RegisterScorer,
    RetireScorer,
    RollBackScorer,
    ShadowScorer,
)
from models.coordination.core import CoordinatorCore
from models.coordination.facts import Fact
from models.coordination.rolebook import RoleBook
from models.scoring.roles import Roles

#: The first two read what one of the catalogs lacks.
VERSIONS = ("one-a", "one-b", "c", "d", "e", "unknown")
PLANS = (shop.plan(), shop.without_budget("pool"), naming("c"))
_version = st.sampled_from(VERSIONS)
_commands = st.one_of(
    st.builds(PromoteScorer, _version), st.builds(ShadowScorer, _version), st.builds(RetireScorer, _version),
    st.builds(CanaryScorer, _version, st.sampled_from([0, 1, 50_000, 1_000_000, 1_000_001])),
    st.just(RollBackScorer()), st.builds(PublishCatalog, st.sampled_from(PLANS)),
)


def begun() -> tuple[CoordinatorCore, list[Fact]]:
    core = CoordinatorCore(1, lambda data: next(plan for plan in PLANS if plan.catalog == data), epoch=1)
    facts: list[Fact] = list(core.handle(PublishCatalog(PLANS[0]), NOON_MS).facts)
    for version in VERSIONS[:-1]:
        features = ["action.one"] if version.startswith("one") else ["action.value"]
        facts += core.handle(RegisterScorer(version, {"features": features}), NOON_MS).facts
    return core, facts


def check(book: RoleBook, adopted: Roles) -> None:
    roles = [version for version in (book.champion, book.canary, *book.shadows) if version is not None]
    assert len(set(roles)) == len(roles), "a version has two of champion, canary and shadow"
    assert (book.canary is None) == (book.canary_millionths == 0)
    assert not {*roles, *book.targets.values()} & set(book.retired)
    assert "unknown" not in adopted.versions
    assert set(adopted.manifests) == set(adopted.versions)
    assert set(book.since) == {*roles, *book.targets.values()}
    assert len(book.former) <= limits.CHAMPIONS_KEPT_MAX
    assert all(reign.version not in book.retired for reign in book.former)
    assert RoleBook.from_wire(unpack(pack(book.to_wire()))) == book


@settings(max_examples=80, deadline=None)
@given(asked=st.lists(_commands, max_size=25))
def test_roles_are_sound_after_every_command_and_come_back_from_the_facts(asked: list[Command]) -> None:
    core, facts = begun()
    (shard,) = shards_of(core, 1)
    for step, command in enumerate(asked):
        before = core.state.roles
        handled = core.handle(command, NOON_MS + step)
        facts += handled.facts
        status = handled.reply.status  # type: ignore[union-attr]
        after = core.state.roles
        assert status == 200 or (after == before and not handled.facts)
        assert after.number == before.number if after == before else after.number > before.number
        check(after, core.state.adopted_roles())
        shard.sync(core, NOON_MS + step)
        assert shard.roles == core.state.adopted_roles()
    successor = CoordinatorCore(1, core._compile, epoch=2)
    successor.replay(facts)
    assert successor.state.roles == core.state.roles
    successor.load_state(core.pack_state())
    assert successor.state.roles == core.state.roles


@settings(max_examples=40, deadline=None)
@given(champions=st.lists(st.sampled_from(("c", "d", "e")), min_size=1, max_size=12))
def test_roll_backs_walk_the_champions_backwards(champions: list[str]) -> None:
    core, _ = begun()
    reigned: list[str | None] = [None]
    for version in champions:
        ask(core, PromoteScorer(version))
        if reigned[-1] != version:
            reigned.append(version)
    for expected in reversed(reigned[:-1]):
        assert ask(core, RollBackScorer()).body["version"] == core.state.champion == expected
    assert ask(core, RollBackScorer()).status == 409
