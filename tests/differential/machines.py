"""State machines that do the same on memory and on PostgreSQL, and compare all that comes of it after each step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from metacore.domain.people.users import NewUser
from metacore.testing.clock import ManualClock
from metacore.testing.contract import Backend

from . import drawing as draw
from .calls import Known, blocks, operations
from .operations import Block, Operation, difference, everything, perform


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
        for user_id in draw.USERS[:2]:
            self.do(Operation("users.create", (NewUser(id=user_id),)))
            for asset, amount in draw.FUNDS.items():
                self.do(Operation("trading.deposit", (user_id, asset, amount, "at the beginning")))

    @rule(seconds=st.sampled_from([0.000001, 1, 3600]))
    def advance_the_clock(self, seconds: float) -> None:
        self.clock.advance(seconds=seconds)

    def do(self, step: Operation | Block) -> None:
        """Do `step` on both; all that comes of it, and all that is stored then, must be equal."""
        outcomes = [self._on_each(lambda runner, storage: perform(runner, storage, step))]
        outcomes.append(self._on_each(lambda runner, storage: everything(storage)))
        for of_memory, of_postgres in outcomes:
            if found := difference(of_memory, of_postgres):
                raise AssertionError(f"after {step}: memory and PostgreSQL differ at {found}")
        memory = self.storages[0]
        self.known = Known(
            tuple(order for user_id in draw.USERS for order in memory.orders.list(user_id).items),
            {user_id: {row.asset: row.total for row in memory.balances.list(user_id)} for user_id in draw.USERS[:2]},
        )
        self.check(outcomes[1][0])

    def check(self, state: dict[str, Any]) -> None:
        """What must hold after each step."""

    def _on_each(self, call: Callable[[Any, Any], Any]) -> list[Any]:
        return [call(backend.runner, storage) for backend, storage in zip(self.backends, self.storages, strict=True)]


class StorageMachine(TwinMachine):
    """Every operation of the storages, and those of trading among them."""

    @rule(data=st.data())
    def use(self, data: st.DataObject) -> None:
        self.do(data.draw(operations(self.known, "writing", "reading", "trading")))

    @rule(data=st.data())
    def use_in_a_transaction(self, data: st.DataObject) -> None:
        self.do(data.draw(blocks(self.known, "writing", "reading", "trading")))


class TradingMachine(TwinMachine):
    """What keeps the rules of money: the audit finds nothing, ever."""

    @rule(data=st.data())
    def trade(self, data: st.DataObject) -> None:
        self.do(data.draw(operations(self.known, "trading")))

    @rule(data=st.data())
    def trade_in_a_transaction(self, data: st.DataObject) -> None:
        self.do(data.draw(blocks(self.known, "trading")))

    def check(self, state: dict[str, Any]) -> None:
        assert not any(of_user["audit"] for of_user in state.values() if isinstance(of_user, dict))
