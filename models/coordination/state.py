"""The durable state of the coordinator: everything that its facts rebuild, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, assert_never

from models.budgets.grants import Account
from models.canonical import pack, unpack
from models.coordination.facts import (
    AccountClosed,
    CapSet,
    CatalogPublished,
    ClockSet,
    EvidencePublished,
    ExperimentsCounted,
    Fact,
    GrantMade,
    ReturnCredited,
    RolesChanged,
    ScorerRegistered,
    ShardSeen,
    UseReported,
)
from models.coordination.rolebook import RoleBook
from models.coordination.totals import EvidenceTotals
from models.experiments.book import ExperimentBook
from models.scoring.roles import Roles

AccountKey = tuple[str, str]


@dataclass(frozen=True, slots=True)
class RegisteredScorer:
    version: str
    manifest: dict[str, Any]
    registered_ms: int


@dataclass(slots=True)
class CoordinatorState:
    #: "" before the first publication.
    catalog_version: str = ""
    catalog: dict[str, Any] = field(default_factory=dict)
    #: Budget -> its cap in the live catalog: the catalog's value applies when it differs from this one.
    catalog_caps: dict[str, int] = field(default_factory=dict)
    #: Budget -> cap in force; kept for budgets that left the catalog.
    caps: dict[str, int] = field(default_factory=dict)
    accounts: dict[AccountKey, Account] = field(default_factory=dict)
    #: Shard -> newest epoch under which it reported.
    epochs: dict[int, int] = field(default_factory=dict)
    evidence: EvidenceTotals = field(default_factory=EvidenceTotals)
    scorers: dict[str, RegisteredScorer] = field(default_factory=dict)
    roles: RoleBook = field(default_factory=RoleBook)
    #: The manual clock; 0 when it was never set.
    clock_ms: int = 0
    experiments: ExperimentBook = field(default_factory=ExperimentBook)

    @property
    def champion(self) -> str | None:
        """None: evidence decides."""
        return self.roles.champion

    @property
    def scorer_note(self) -> str:
        """Which scorers lost their roles to a catalog, and why; "" where none did."""
        return "; ".join(self.roles.notes.values())

    def adopted_roles(self) -> Roles:
        """The roles as shards adopt them."""
        return self.roles.roles({version: scorer.manifest for version, scorer in self.scorers.items()})

    def account(self, budget: str, period: str) -> Account:
        """The account, empty when nothing was ever granted."""
        return self.accounts.get((budget, period)) or Account()

    def validate(self) -> None:
        """Raises ``InvariantBroken`` when an account contradicts itself."""
        for key, account in self.accounts.items():
            account.validate(repr(key))


def catalog_caps(catalog: dict[str, Any]) -> dict[str, int]:
    return {budget["id"]: budget["cap"] for budget in catalog.get("budgets") or ()}


def apply(state: CoordinatorState, fact: Fact) -> None:
    """Fold one fact into the state; the only place that changes it."""
    match fact:
        case CatalogPublished(version, catalog):
            state.experiments.publish(catalog, state.catalog)
            state.catalog_version, state.catalog = version, catalog
            state.catalog_caps = catalog_caps(catalog)
        case CapSet(budget, cap):
            state.caps[budget] = cap
        case ShardSeen(shard, epoch):
            state.epochs[shard] = max(epoch, state.epochs.get(shard, 0))
        case GrantMade() | ReturnCredited() | UseReported() | AccountClosed():
            _apply_to_account(state, fact)
        case EvidencePublished(version, counts):
            state.evidence.publish(version, counts)
        case ExperimentsCounted(shard, rows):
            state.experiments.count(shard, rows)
        case ScorerRegistered(version, manifest, at_ms):
            state.scorers[version] = RegisteredScorer(version, manifest, at_ms)
        case RolesChanged(book):
            state.roles = RoleBook.from_wire(book)
        case ClockSet(clock_ms):
            state.clock_ms = max(state.clock_ms, clock_ms)
        case _:
            assert_never(fact)


def _apply_to_account(
    state: CoordinatorState, fact: GrantMade | ReturnCredited | UseReported | AccountClosed
) -> None:
    key = (fact.budget, fact.period)
    if isinstance(fact, AccountClosed):
        state.accounts.pop(key, None)
        return
    account = state.accounts.setdefault(key, Account())
    shard = fact.shard
    if isinstance(fact, GrantMade):
        account.granted[shard] = max(fact.total, account.granted.get(shard, 0))
    elif isinstance(fact, ReturnCredited):
        account.returned[shard] = max(fact.total, account.returned.get(shard, 0))
    else:
        account.spent[shard], account.held[shard], account.unfunded[shard] = fact.spent, fact.held, fact.unfunded


def pack_state(state: CoordinatorState) -> bytes:
    """For a checkpoint."""
    return pack({
        "catalog": [state.catalog_version, state.catalog], "caps": state.caps,
        "accounts": [[*key, account.to_wire()] for key, account in state.accounts.items()],
        "epochs": state.epochs, "evidence": state.evidence.to_wire(),
        "scorers": [[s.version, s.manifest, s.registered_ms] for s in state.scorers.values()],
        "roles": state.roles.to_wire(), "clock": state.clock_ms, "experiments": state.experiments.to_wire(),
    })


def unpack_state(data: bytes) -> CoordinatorState:
    raw = unpack(data)
    version, catalog = raw["catalog"]
    return CoordinatorState(
        version, catalog, catalog_caps(catalog), raw["caps"],
        {(budget, period): Account(*wire) for budget, period, wire in raw["accounts"]},
        raw["epochs"], EvidenceTotals.from_wire(raw["evidence"]),
        {wire[0]: RegisteredScorer(*wire) for wire in raw["scorers"]}, RoleBook.from_wire(raw["roles"]),
        raw["clock"], ExperimentBook.from_wire(raw["experiments"]),
    )
