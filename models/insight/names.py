"""What the numbers in a decision's fact are called: of one catalog, without the catalog."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple, Self

from models.arbitration.contact_policy import LEDGER_RULE
from models.catalog.plan import ContactPolicy, LimitPolicy, Plan, RestPolicy


class Concern(NamedTuple):
    """The contacts that a contact policy may refuse. "" is any; ``actions`` None likewise."""

    policy: str
    channel: str
    direction: str
    issue: str
    group: str
    action: str
    treatment: str
    actions: Sequence[str] | None


class Chosen(NamedTuple):
    """A chosen item, as far as policies look at it."""

    channel: str
    action: str
    treatment: str
    group: str
    issue: str


class Names:
    """``actions``, ``policies`` and ``budgets`` are in the plan's order, which facts count by."""

    def __init__(
        self, version: str, actions: Iterable[str], fallbacks: Iterable[str], concerns: Iterable[Concern],
        budgets: Iterable[str], outbound: Iterable[str],
    ) -> None:
        self.version: Final = version
        self.actions: Final = tuple(actions)
        #: Those that only ever fall back.
        self.fallbacks: Final = frozenset(fallbacks)
        self._concerns: Final = tuple(concerns)
        self.policies: Final = tuple(concern.policy for concern in self._concerns)
        self.budgets: Final = tuple(budgets)
        self._outbound: Final = frozenset(outbound)
        self._granting: dict[Chosen, tuple[str, ...]] = {}
        self._cells: dict[str, list[tuple[str, str]]] = {}

    @classmethod
    def of(cls, plan: Plan) -> Self:
        ids = [action.id for action in plan.actions]
        return cls(
            plan.version, ids, [action.id for action in plan.actions if action.fallback],
            [_concern(policy, ids) for policy in plan.policies], plan.budgets,
            [channel.id for channel in plan.channels.values() if channel.outbound],
        )

    def refusing(self, rule: int) -> str:
        """The policy at a place in the catalog; -1 is the full ledger."""
        return self.policies[rule] if rule >= 0 else LEDGER_RULE

    def cells(self, channel: str) -> list[tuple[str, str]]:
        """(action, channel) of every action, made once: there may be thousands."""
        known = self._cells.get(channel)
        if known is None:
            known = self._cells[channel] = [(action, channel) for action in self.actions]
        return known

    def concerning(self, item: Chosen) -> tuple[str, ...]:
        """The policies that let this contact pass."""
        known = self._granting.get(item)
        if known is None:
            direction = "outbound" if item.channel in self._outbound else "inbound"
            known = self._granting[item] = tuple(
                one.policy for one in self._concerns if _concerns(one, item, direction)
            )
        return known

    def to_wire(self) -> list[Any]:
        return [
            self.version, list(self.actions), sorted(self.fallbacks), [list(one) for one in self._concerns],
            list(self.budgets), sorted(self._outbound),
        ]

    @classmethod
    def from_wire(cls, wire: Sequence[Any]) -> Self:
        version, actions, fallbacks, concerns, budgets, outbound = wire
        return cls(version, actions, fallbacks, [Concern(*one) for one in concerns], budgets, outbound)


def _concern(policy: ContactPolicy, ids: Sequence[str]) -> Concern:
    if isinstance(policy, LimitPolicy | RestPolicy):
        scope = policy.scope
        return Concern(
            policy.id, scope.channel, scope.direction, scope.issue, scope.group, scope.action, scope.treatment, None,
        )
    return Concern(policy.id, "", "", "", "", "", "", [ids[action] for action in sorted(policy.actions)])


def _concerns(one: Concern, item: Chosen, direction: str) -> bool:
    if one.actions is not None:
        return item.action in one.actions
    wanted = (one.channel, one.direction, one.issue, one.group, one.action, one.treatment)
    found = (item.channel, direction, item.issue, item.group, item.action, item.treatment)
    return all(want in ("", there) for want, there in zip(wanted, found, strict=True))
