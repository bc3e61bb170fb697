"""State machines that do the same on memory and on PostgreSQL, and compare all that comes of it after each step."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from metacore.domain.messages.claims import Claim
from metacore.domain.people.users import NewUser
from metacore.domain.trading.archiving import History
from metacore.testing.clock import ManualClock
from metacore.testing.contract import Backend
from metacore.testing.runners import Runner

from .calls import Known, blocks, operations
from .drawing import values
from .operations import FEED, WAYS, Block, Operation, deal, difference, everything, new_events, perform, plain


class TwinMachine(RuleBasedStateMachine):
    """Does each step on both backends. `new_backends` is set by the test."""

    backends: tuple[Backend, Backend]

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.storages = [backend.storage(self.clock) for backend in self.backends]

    @initialize()
    def begin(self) -> None:
        self.known = Known()
        for user_id in values.USERS[:2]:
            self.do(Operation("users.create", (NewUser(id=user_id),)))
            for asset, amount in values.FUNDS.items():
                self.do(Operation("trading.deposit", (user_id, asset, amount, "at the beginning")))

    @rule(seconds=st.sampled_from([0.000001, 1, 3600]))
    def advance_the_clock(self, seconds: float) -> None:
        self.clock.advance(seconds=seconds)

    def do(self, step: Operation | Block) -> None:
        """Do `step` on both; all that comes of it, and all that is stored then, must be equal."""
        outcomes = [self._on_each(lambda runner, storage: perform(runner, storage, step))]
        outcomes.append(self._on_each(lambda runner, storage: new_events(storage)))
        outcomes.append(self._on_each(lambda runner, storage: everything(storage)))
        for of_memory, of_postgres in outcomes:
            if found := difference(of_memory, of_postgres):
                raise AssertionError(f"after {step}: memory and PostgreSQL differ at {found}")
        memory = self.storages[0]
        self.known = Known(
            tuple(order for user_id in values.USERS for order in memory.orders.list(user_id).items),
            {user_id: {row.asset: row.total for row in memory.balances.list(user_id)} for user_id in values.USERS[:2]},
        )
        self.check(outcomes[-1][0])

    def check(self, state: dict[str, Any]) -> None:
        """What must hold after each step."""

    def _on_each(self, call: Callable[[Any, Any], Any]) -> list[Any]:
        return [call(backend.runner, storage) for backend, storage in zip(self.backends, self.storages, strict=True)]


class StorageMachine(TwinMachine):
    """Every operation of the storages, and those of trading among them."""

    def __init__(self) -> None:
        super().__init__()
        self.claims: list[list[Claim]] = []

    @rule(data=st.data())
    def use(self, data: st.DataObject) -> None:
        self.do(data.draw(operations(self.known, "writing", "reading", "trading")))

    @rule(data=st.data())
    def use_in_a_transaction(self, data: st.DataObject) -> None:
        self.do(data.draw(blocks(self.known, "writing", "reading", "trading")))

    @rule(data=st.data(), per_key=st.integers(1, 3), seconds=st.sampled_from([0.000001, 1, 30]))
    def claim(self, data: st.DataObject, per_key: int, seconds: float) -> None:
        """Claim events: the same are claimed on both. Deal with some of the keys at once, and with others later."""
        lease = timedelta(seconds=seconds)
        claims = self._on_each(lambda _, storage: storage.outbox.claim(["1", "2"], per_key=per_key, lease=lease))
        assert not difference(*(plain([claim.keys, claim.leased_until]) for claim in claims))
        self.claims.append(claims)
        self._deal(data, claims)

    @rule(data=st.data())
    def deal(self, data: st.DataObject) -> None:
        """Deal with the keys of a claim that is longer ago: its lease may have run out, and others have them."""
        if self.claims:
            self._deal(data, data.draw(st.sampled_from(self.claims)))

    def _deal(self, data: st.DataObject, claims: list[Claim]) -> None:
        ways = data.draw(st.lists(st.sampled_from(WAYS), min_size=4, max_size=4))
        of_each = dict(zip(map(id, self.storages), claims, strict=True))
        assert not difference(*self._on_each(lambda _, storage: deal(storage, of_each[id(storage)], ways)))
        self.do(Operation("outbox.lag", ("1",)))


class TradingMachine(TwinMachine):
    """What keeps the rules of money: the audit finds nothing, ever."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[int, UUID], dict[int, History]] = {}

    @rule(data=st.data())
    def trade(self, data: st.DataObject) -> None:
        self.do(data.draw(operations(self.known, "trading")))

    @rule(data=st.data())
    def trade_in_a_transaction(self, data: st.DataObject) -> None:
        self.do(data.draw(blocks(self.known, "trading")))

    @rule(data=st.data(), user_id=st.sampled_from(values.USERS[:2]))
    def archive(self, data: st.DataObject, user_id: UUID) -> None:
        """Now and then, take out what is closed a day later: the same on both, and with what stayed it adds up."""
        if data.draw(st.integers(0, 4)):
            self.trade(data)
            return
        before = self.clock.advance(days=1) - timedelta(hours=1)
        of_memory, of_postgres = self._on_each(lambda runner, storage: self._archive(runner, storage, user_id, before))
        assert not difference(of_memory, of_postgres)
        self.do(Operation("archives.list", (user_id,)))

    def _archive(self, runner: Runner, storage: Any, user_id: UUID, before: datetime) -> Any:
        archiver = runner.service("Archiver", storage, feed=FEED)
        kept = self.kept.setdefault((id(storage), user_id), {})

        def keep(number: int, history: History) -> str:
            kept[number] = history
            return f"digest {number}"

        parts = list(archiver.archive(user_id, before, keep))
        assert [part.number for part in storage.archives.list(user_id)] == sorted(kept)
        assert archiver.audit(user_id, [kept[number] for number in sorted(kept)]) == ()
        return plain([parts, kept])

    def check(self, state: dict[str, Any]) -> None:
        assert not any(of_user["audit"] for of_user in state.values() if isinstance(of_user, dict))
