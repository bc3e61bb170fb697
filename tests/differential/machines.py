"""State machines that do the same on memory and on PostgreSQL, and compare all that comes of it after each step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from metacore.domain.people.users import NewUser
from metacore.domain.trading.orders import Order, OrderStatus
from metacore.testing.clock import ManualClock
from metacore.testing.contract import Backend

from . import drawing as draw
from .operations import Block, Operation, difference, everything, perform


def operation(path: str, *args: Any, **options: Any) -> st.SearchStrategy[Operation]:
    """Calls of the method at `path`."""
    return st.builds(Operation, st.just(path), st.tuples(*args), st.fixed_dictionaries(options))


Table = dict[str, st.SearchStrategy[Operation]]


def trading(known: Sequence[Order]) -> Table:
    """What keeps the rules of money, whatever it is called with."""
    fresh = draw.new_orders(status=st.just(OrderStatus.PENDING_NEW))
    keys = draw.keys_of(known)
    transfer = (draw.users, draw.assets, draw.money, draw.references, draw.maybe(draw.times))
    return {
        "place_order": operation("trading.place_order", fresh, draw.maybe(draw.money)),
        "place_orders": operation("trading.place_orders", st.lists(fresh, max_size=3)),
        "cancel_order": keys.flatmap(lambda key: operation("trading.cancel_order", *map(st.just, key))),
        "reject_unknown": keys.flatmap(lambda key: operation("trading.reject_unknown", *map(st.just, key))),
        "set_flags": operation("users.update", draw.users, draw.flags),
        "release_hold": keys.flatmap(lambda key: operation("trading.release_hold", *map(st.just, key), draw.texts)),
        "apply_report": operation("trading.apply_report", draw.reports(known)),
        "apply_reports": operation("trading.apply_reports", st.lists(draw.reports(known), max_size=4)),
        "settle_trade": operation("trading.settle_trade", draw.new_trades(known)),
        "settle_trades": operation("trading.settle_trades", st.lists(draw.new_trades(known), max_size=4)),
        "settle_pending": operation("trading.settle_pending", draw.users),
        "deposit": operation("trading.deposit", *transfer),
        "withdraw": operation("trading.withdraw", *transfer),
        "sync_account": operation("trading.sync_account", draw.users, draw.snapshots()),
        "trades.create": operation("trades.create", draw.new_trades(known)),
        "trades.create_many": operation("trades.create_many", st.lists(draw.new_trades(known), max_size=4)),
        "orders.create": operation("orders.create", draw.new_orders()),
    }


READING = {
    "users.get": operation("users.get", draw.users),
    "users.get_by_uid": operation("users.get_by_uid", st.sampled_from(["1", "2"]), st.sampled_from(["MEXC", "OTHER"])),
    "users.get_by_username": operation("users.get_by_username", st.sampled_from(["alice", "bob", "nobody", "\0"])),
    "users.get_by_email": operation(
        "users.get_by_email", st.sampled_from(["a@example.com", "A@EXAMPLE.COM"]), st.sampled_from(["MEXC", "OTHER"])
    ),
    "users.get_by_telegram_id": operation(
        "users.get_by_telegram_id", st.sampled_from([1, 2**63 - 1]), st.sampled_from(["MEXC", "OTHER"])
    ),
    "users.list": operation("users.list", draw.maybe(st.booleans()), limit=draw.limits),
    "orders.get": operation("orders.get", draw.users, draw.order_ids),
    "orders.get_by_client_order_id": operation("orders.get_by_client_order_id", draw.users, draw.client_ids),
    "orders.get_by_exchange_order_id": operation("orders.get_by_exchange_order_id", draw.users, draw.exchange_ids),
    "orders.get_many": operation(
        "orders.get_many", st.lists(st.tuples(draw.users, draw.order_ids), max_size=4), for_update=st.booleans()
    ),
    "orders.list": operation("orders.list", draw.users, draw.order_filters, limit=draw.limits),
    "orders.list_open": operation("orders.list_open", draw.users, draw.maybe(draw.symbols)),
    "order_updates.list": operation("order_updates.list", draw.users, draw.order_ids),
    "trades.get": operation("trades.get", draw.users, draw.trade_ids),
    "trades.get_by_exchange_trade_id": operation(
        "trades.get_by_exchange_trade_id", draw.users, draw.symbols, draw.exchange_trade_ids
    ),
    "trades.get_many": operation("trades.get_many", st.lists(st.tuples(draw.users, draw.trade_ids), max_size=4)),
    "trades.list": operation("trades.list", draw.users, draw.trade_filters, limit=draw.limits),
    "trades.list_by_order": operation("trades.list_by_order", draw.users, draw.order_ids),
    "trades.list_pending": operation("trades.list_pending", draw.users),
    "trades.stream": operation("trades.stream", draw.users, draw.trade_filters),
    "balances.get": operation("balances.get", draw.users, draw.assets),
    "balances.get_many": operation(
        "balances.get_many", st.lists(st.tuples(draw.users, draw.assets), max_size=4), for_update=st.booleans()
    ),
    "balances.list": operation("balances.list", draw.users, nonzero=st.booleans(), unexplained=st.booleans()),
    "balances.journal": operation("balances.journal", draw.users, draw.entry_filters, limit=draw.limits),
    "balances.entries": operation("balances.entries", draw.users, draw.maybe(draw.assets), limit=draw.limits),
    "balances.audit": operation("balances.audit", draw.users),
    "portfolios.get": operation("portfolios.get", draw.users),
    "portfolios.holders": operation("portfolios.holders", draw.assets, limit=draw.limits),
    "portfolios.symbols": operation("portfolios.symbols"),
    "order_records.get": operation("order_records.get", st.sampled_from(["1", "2", "4"])),
    "order_records.list": operation("order_records.list", limit=draw.limits),
    "order_records.list_by_customer": operation("order_records.list_by_customer", st.sampled_from(["test", "none"])),
    "order_records.find": operation("order_records.find", st.sampled_from(["T", "", "none"])),
    "order_records.count": operation("order_records.count"),
}

WRITING = {
    "users.create": operation("users.create", draw.new_users),
    "users.update": operation("users.update", draw.users, draw.patches, draw.versions),
    "users.delete": operation("users.delete", draw.users),
    "orders.create_many": operation("orders.create_many", st.lists(draw.new_orders(), max_size=4)),
    "orders.delete": operation("orders.delete", draw.users, draw.order_ids),
    "order_updates.append": operation("order_updates.append", draw.new_updates),
    "order_updates.append_many": operation("order_updates.append_many", st.lists(draw.new_updates, max_size=4)),
    "balances.put": operation("balances.put", draw.users, draw.assets, draw.edges, draw.money),
    "balances.put_all": operation("balances.put_all", draw.users, st.lists(draw.balances, max_size=3)),
    "balances.replace_all": operation("balances.replace_all", draw.users, st.lists(draw.balances, max_size=3)),
    "balances.apply": operation("balances.apply", st.lists(draw.deltas, max_size=4)),
    "load": operation("load", draw.selections),
    "save": operation("save", draw.changes),
    "portfolios.put": operation("portfolios.put", draw.users, draw.assets, draw.money, draw.versions),
    "portfolios.add": operation("portfolios.add", draw.users, draw.assets, draw.edges | draw.money, draw.versions),
    "portfolios.take": operation(
        "portfolios.add", draw.users, draw.assets, draw.money.map(lambda amount: -amount), draw.versions
    ),
    "portfolios.remove": operation("portfolios.remove", draw.users, draw.assets, draw.versions),
    "portfolios.clear": operation("portfolios.clear", draw.users, draw.versions),
    "order_records.save": operation("order_records.save", draw.order_records()),
    "order_records.insert_if_absent": operation("order_records.insert_if_absent", draw.order_records()),
    "order_records.save_many": operation("order_records.save_many", st.lists(draw.order_records(), max_size=4)),
    "order_records.update": operation("order_records.update", draw.order_records()),
    "order_records.delete": operation("order_records.delete", st.sampled_from(["1", "2", "4"])),
}
"""What stores as it is told, and may break the rules of money."""


KINDS: dict[str, Callable[[Sequence[Order]], Table]] = {
    "trading": trading,
    "reading": lambda known: READING,
    "writing": lambda known: WRITING,
}


WEIGHTS = {"place_order": 3, "place_orders": 2, "apply_report": 3, "settle_trade": 6, "settle_trades": 4}
"""How many times likelier than others an operation is; 1 for the rest."""


@st.composite
def operations(draw: Any, known: Sequence[Order], *kinds: str) -> Operation:
    """An operation of one of these kinds, mostly on the `known` orders."""
    table = KINDS[draw(st.sampled_from(kinds))](known)
    return draw(table[draw(st.sampled_from([name for name in table for _ in range(WEIGHTS.get(name, 1))]))])


@st.composite
def blocks(draw: Any, known: Sequence[Order], *kinds: str, deepest: bool = False) -> Block:
    """A transaction of some operations, with savepoints among them."""
    steps = operations(known, *kinds)
    if not deepest:
        steps = steps | steps | blocks(known, *kinds, deepest=True)
    return Block(tuple(draw(st.lists(steps, max_size=4))), draw(st.booleans()))


class TwinMachine(RuleBasedStateMachine):
    """Does each step on both backends. `new_backends` is set by the test."""

    backends: tuple[Backend, Backend]

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.storages = [backend.storage(self.clock) for backend in self.backends]

    @initialize()
    def begin(self) -> None:
        self.known: tuple[Order, ...] = ()
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
        self.known = tuple(order for user_id in draw.USERS for order in memory.orders.list(user_id).items)
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
