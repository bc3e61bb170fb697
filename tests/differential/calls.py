"""How each operation is drawn, mostly on what is stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from metacore.domain.messages.dead_letters import Resolution
from metacore.domain.trading.orders import Order, OrderStatus
from metacore.domain.trading.reservations import ReservationState

from .drawing import balances, decisions, messages, order_records, orders, people, trades, values
from .operations import Block, Operation


@dataclass(frozen=True)
class Known:
    """What is stored: orders, and the totals of each user."""

    orders: tuple[Order, ...] = ()
    totals: Mapping[UUID, Mapping[str, Decimal]] = field(default_factory=dict)


def operation(path: str, *args: Any, **options: Any) -> st.SearchStrategy[Operation]:
    """Calls of the method at `path`."""
    return st.builds(Operation, st.just(path), st.tuples(*args), st.fixed_dictionaries(options))


Strategy = st.SearchStrategy[Operation]
Table = Mapping[str, Callable[[Known], Strategy]]
"""How to draw each operation, given what is stored: only the strategy that is drawn from is made."""

_FRESH = orders.new_orders(status=st.just(OrderStatus.PENDING_NEW))
_TRANSFER = (values.users, values.assets, values.money, values.references, values.maybe(values.times))


def always(strategy: Strategy) -> Callable[[Known], Strategy]:
    """The same, whatever is stored."""
    return lambda _: strategy


def by_key(path: str, *args: Any) -> Callable[[Known], Strategy]:
    """Calls of the method at `path` with the key of an order, mostly of one that is stored."""
    return lambda known: orders.keys_of(known.orders).flatmap(lambda key: operation(path, *map(st.just, key), *args))


TRADING: Table = {
    "place_order": always(operation("trading.place_order", _FRESH, values.maybe(values.money))),
    "place_orders": always(operation("trading.place_orders", st.lists(_FRESH, max_size=3))),
    "cancel_order": by_key("trading.cancel_order"),
    "reject_unknown": by_key("trading.reject_unknown"),
    "set_flags": always(operation("users.update", values.users, people.flags)),
    "release_hold": by_key("trading.release_hold", values.texts),
    "apply_report": lambda known: operation("trading.apply_report", orders.reports(known.orders)),
    "apply_reports": lambda known: operation(
        "trading.apply_reports", st.lists(orders.reports(known.orders), max_size=4)
    ),
    "settle_trade": lambda known: operation("trading.settle_trade", trades.new_trades(known.orders)),
    "settle_trades": lambda known: operation(
        "trading.settle_trades", st.lists(trades.new_trades(known.orders), max_size=4)
    ),
    "settle_pending": always(operation("trading.settle_pending", values.users)),
    "deposit": always(operation("trading.deposit", *_TRANSFER)),
    "withdraw": always(operation("trading.withdraw", *_TRANSFER)),
    "reserve": always(operation("ledger.reserve", balances.new_reservations)),
    "reserve_all": always(operation("ledger.reserve_all", st.lists(balances.new_reservations, max_size=3))),
    "post": always(
        operation(
            "ledger.post", values.users, values.reservation_ids, values.maybe(values.money), values.maybe(values.users)
        )
    ),
    "void": always(operation("ledger.void", values.users, values.reservation_ids)),
    "expire_due": always(operation("ledger.expire_due", st.integers(1, 3))),
    "transfer": always(operation("ledger.transfer", values.users, *_TRANSFER)),
    "sync_account": always(operation("trading.sync_account", values.users, balances.snapshots())),
    "sync_account_nearly": lambda known: balances.near_snapshots(known.totals).flatmap(
        lambda arguments: operation("trading.sync_account", *map(st.just, arguments))
    ),
    "trades.create": lambda known: operation("trades.create", trades.new_trades(known.orders)),
    "trades.create_many": lambda known: operation(
        "trades.create_many", st.lists(trades.new_trades(known.orders), max_size=4)
    ),
    "orders.create": always(operation("orders.create", orders.new_orders())),
}


READING: dict[str, Strategy] = {
    "users.get": operation("users.get", values.users),
    "users.get_by_uid": operation("users.get_by_uid", st.sampled_from(["1", "2"]), st.sampled_from(["MEXC", "OTHER"])),
    "users.get_by_username": operation("users.get_by_username", st.sampled_from(["alice", "bob", "nobody", "\0"])),
    "users.get_by_email": operation(
        "users.get_by_email", st.sampled_from(["a@example.com", "A@EXAMPLE.COM"]), st.sampled_from(["MEXC", "OTHER"])
    ),
    "users.get_by_telegram_id": operation(
        "users.get_by_telegram_id", st.sampled_from([1, 2**63 - 1]), st.sampled_from(["MEXC", "OTHER"])
    ),
    "users.list": operation("users.list", values.maybe(st.booleans()), limit=values.limits),
    "users.stream": operation("users.stream", values.maybe(st.booleans())),
    "orders.get": operation("orders.get", values.users, values.order_ids),
    "orders.get_by_client_order_id": operation("orders.get_by_client_order_id", values.users, values.client_ids),
    "orders.get_by_exchange_order_id": operation("orders.get_by_exchange_order_id", values.users, values.exchange_ids),
    "orders.get_many": operation(
        "orders.get_many", st.lists(st.tuples(values.users, values.order_ids), max_size=4), for_update=st.booleans()
    ),
    "orders.list": operation("orders.list", values.users, orders.order_filters, limit=values.limits),
    "orders.stream": operation("orders.stream", values.users, orders.order_filters),
    "orders.in_status": operation("orders.in_status", values.statuses, limit=values.limits),
    "orders.stream_in_status": operation("orders.stream_in_status", values.statuses),
    "orders.list_open": operation("orders.list_open", values.users, values.maybe(values.symbols)),
    "order_updates.list": operation("order_updates.list", values.users, values.order_ids),
    "trades.get": operation("trades.get", values.users, values.trade_ids),
    "trades.get_by_exchange_trade_id": operation(
        "trades.get_by_exchange_trade_id", values.users, values.symbols, values.exchange_trade_ids
    ),
    "trades.get_many": operation("trades.get_many", st.lists(st.tuples(values.users, values.trade_ids), max_size=4)),
    "trades.list": operation("trades.list", values.users, trades.trade_filters, limit=values.limits),
    "trades.list_by_order": operation("trades.list_by_order", values.users, values.order_ids),
    "trades.list_pending": operation("trades.list_pending", values.users),
    "trades.pending": operation("trades.pending", limit=values.limits),
    "trades.stream_pending": operation("trades.stream_pending"),
    "trades.stream": operation("trades.stream", values.users, trades.trade_filters),
    "balances.get": operation("balances.get", values.users, values.assets),
    "balances.get_or_zero": operation("balances.get_or_zero", values.users, values.assets),
    "balances.get_many": operation(
        "balances.get_many", st.lists(st.tuples(values.users, values.assets), max_size=4), for_update=st.booleans()
    ),
    "balances.list": operation("balances.list", values.users, nonzero=st.booleans(), unexplained=st.booleans()),
    "balances.unexplained": operation("balances.unexplained", limit=values.limits),
    "balances.stream_unexplained": operation("balances.stream_unexplained"),
    "balances.stream_journal": operation("balances.stream_journal", values.users, balances.entry_filters),
    "balances.stream_entries": operation("balances.stream_entries", values.users, values.maybe(values.assets)),
    "balances.journal": operation("balances.journal", values.users, balances.entry_filters, limit=values.limits),
    "balances.entries": operation("balances.entries", values.users, values.maybe(values.assets), limit=values.limits),
    "balances.audit": operation("balances.audit", values.users),
    "reservations.get": operation("reservations.get", values.users, values.reservation_ids),
    "reservations.get_by_reference": operation(
        "reservations.get_by_reference", values.users, values.assets, values.references
    ),
    "reservations.list": operation(
        "reservations.list", values.users, values.maybe(st.sampled_from(ReservationState)), limit=values.limits
    ),
    "reservations.stream": operation("reservations.stream", values.users),
    "reservations.list_due": operation("reservations.list_due", values.times, limit=values.limits),
    "portfolios.get": operation("portfolios.get", values.users),
    "portfolios.holders": operation("portfolios.holders", values.assets, limit=values.limits),
    "portfolios.stream_holders": operation("portfolios.stream_holders", values.assets),
    "portfolios.symbols": operation("portfolios.symbols"),
    "order_records.get": operation("order_records.get", st.sampled_from(["1", "2", "4"])),
    "order_records.list": operation("order_records.list", limit=values.limits),
    "order_records.stream": operation("order_records.stream"),
    "order_records.stream_by_customer": operation(
        "order_records.stream_by_customer", st.sampled_from(["test", "none"])
    ),
    "order_records.list_by_customer": operation("order_records.list_by_customer", st.sampled_from(["test", "none"])),
    "order_records.find": operation("order_records.find", st.sampled_from(["T", "", "none"])),
    "order_records.count": operation("order_records.count"),
    "outbox.read": operation("outbox.read", values.sources, values.sources, st.integers(-1, 3), limit=values.limits),
    "outbox.stream": operation("outbox.stream", values.sources, values.sources, st.integers(-1, 3)),
    "bars.summary": operation(
        "bars.summary", *(values.feeds, values.sources, values.times, values.times), values.maybe(values.sources)
    ),
    "bars.latest": operation("bars.latest", values.feeds, values.sources, values.maybe(values.sources)),
    "bars.latest_of": operation(
        "bars.latest_of", values.feeds, st.lists(values.sources, max_size=3), values.maybe(values.sources)
    ),
    "bars.list": operation(
        "bars.list",
        *(
            values.feeds,
            values.sources,
            values.maybe(values.sources),
            values.maybe(values.times),
            values.maybe(values.times),
        ),
        limit=values.limits,
    ),
    "bars.stream": operation("bars.stream", values.feeds, values.sources, values.maybe(values.sources)),
    "logins.find": operation("logins.find", st.sampled_from(["alice", "bob", "nobody", "\0"])),
    "sessions.get": operation("sessions.get", values.users, people.session_ids),
    "dead_letters.get": operation("dead_letters.get", values.sources, values.sources),
    "dead_letters.list": operation(
        "dead_letters.list", values.maybe(values.sources), st.booleans(), limit=values.limits
    ),
    "dead_letters.stream": operation("dead_letters.stream", values.maybe(values.sources), st.booleans()),
    "dead_letters.count": operation("dead_letters.count", values.maybe(values.sources)),
}

WRITING: dict[str, Strategy] = {
    "users.create": operation("users.create", people.new_users),
    "users.update": operation("users.update", values.users, people.patches, values.versions),
    "users.delete": operation("users.delete", values.users),
    "orders.create_many": operation("orders.create_many", st.lists(orders.new_orders(), max_size=4)),
    "orders.delete": operation("orders.delete", values.users, values.order_ids),
    "order_updates.append": operation("order_updates.append", orders.new_updates),
    "order_updates.append_many": operation("order_updates.append_many", st.lists(orders.new_updates, max_size=4)),
    "balances.put": operation("balances.put", values.users, values.assets, values.edges, values.money),
    "balances.put_all": operation("balances.put_all", values.users, st.lists(balances.balances, max_size=3)),
    "balances.replace_all": operation("balances.replace_all", values.users, st.lists(balances.balances, max_size=3)),
    "balances.apply": operation("balances.apply", st.lists(balances.deltas, max_size=4)),
    "load": operation("load", decisions.selections),
    "save": operation("save", decisions.changes),
    "portfolios.put": operation("portfolios.put", values.users, values.assets, values.money, values.versions),
    "portfolios.add": operation(
        "portfolios.add", values.users, values.assets, values.edges | values.money, values.versions
    ),
    "portfolios.take": operation(
        "portfolios.add", values.users, values.assets, values.money.map(lambda amount: -amount), values.versions
    ),
    "portfolios.remove": operation("portfolios.remove", values.users, values.assets, values.versions),
    "portfolios.clear": operation("portfolios.clear", values.users, values.versions),
    "order_records.save": operation("order_records.save", order_records.order_records()),
    "order_records.insert_if_absent": operation("order_records.insert_if_absent", order_records.order_records()),
    "order_records.save_many": operation(
        "order_records.save_many", st.lists(order_records.order_records(), max_size=4)
    ),
    "order_records.update": operation("order_records.update", order_records.order_records()),
    "inbox.accept": operation("inbox.accept", values.sources, values.sources, values.sources, st.integers(0, 3)),
    "inbox.accept_many": operation(
        "inbox.accept_many",
        values.sources,
        st.lists(st.tuples(values.sources, values.sources, st.integers(0, 3)), max_size=4),
    ),
    "inbox.once": operation("inbox.once", values.sources, values.sources),
    "inbox.purge": operation("inbox.purge", values.times, limit=values.limits),
    "outbox.append": operation("outbox.append", st.lists(messages.new_events, max_size=4)),
    "outbox.purge": operation("outbox.purge", values.times, limit=values.limits),
    "bars.add": operation("bars.add", st.lists(messages.bar_parts, max_size=4)),
    "bars.purge": operation("bars.purge", values.feeds, values.times, limit=values.limits),
    "dead_letters.put": operation("dead_letters.put", messages.dead_letters),
    "dead_letters.resolve": operation(
        "dead_letters.resolve", values.sources, values.sources, st.sampled_from(Resolution), values.maybe(values.texts)
    ),
    "logins.register": operation("logins.register", people.new_users, people.password_hashes),
    "logins.set_password": operation(
        "logins.set_password", values.users, people.password_hashes, values.maybe(people.password_hashes)
    ),
    "logins.fail": operation("logins.fail", values.users),
    "logins.admit": operation(
        "logins.admit", values.users, people.password_hashes, values.maybe(people.password_hashes)
    ),
    "sessions.create": operation("sessions.create", people.new_sessions),
    "sessions.rotate": operation(
        "sessions.rotate",
        *(
            values.users,
            people.session_ids,
            people.digests,
            people.digests,
            people.digests,
            values.times,
            people.graces,
        ),
    ),
    "sessions.end": operation("sessions.end", values.users, people.session_ids, values.texts),
    "sessions.end_all": operation("sessions.end_all", values.users, values.texts, values.maybe(people.session_ids)),
    "sessions.purge": operation("sessions.purge", values.times, limit=values.limits),
    "order_records.delete": operation("order_records.delete", st.sampled_from(["1", "2", "4"])),
}
"""What stores as it is told, and may break the rules of money."""


KINDS: dict[str, Table] = {
    "trading": TRADING,
    "reading": {name: always(strategy) for name, strategy in READING.items()},
    "writing": {name: always(strategy) for name, strategy in WRITING.items()},
}


WEIGHTS = {
    "place_order": 3,
    "place_orders": 2,
    "apply_report": 3,
    "settle_trade": 6,
    "settle_trades": 4,
    "deposit": 2,
    "reserve": 3,
    "transfer": 2,
    "post": 2,
    "sessions.create": 2,
    "sessions.rotate": 4,
    "sync_account_nearly": 3,
}
"""How many times likelier than others an operation is; 1 for the rest."""


@st.composite
def operations(draw: Any, known: Known, *kinds: str) -> Operation:
    """An operation of one of these kinds, mostly on what is `known`; of a storage's, now and then with a wrong type."""
    kind = draw(st.sampled_from(kinds))
    table = KINDS[kind]
    name = draw(st.sampled_from([name for name in table for _ in range(WEIGHTS.get(name, 1))]))
    step: Operation = draw(table[name](known))
    if kind == "trading" or not step.args or draw(st.integers(0, 19)):
        return step
    place, wrong = draw(st.integers(0, len(step.args) - 1)), draw(st.sampled_from(WRONG))
    return replace(step, args=(*step.args[:place], wrong, *step.args[place + 1 :]))


WRONG: tuple[Any, ...] = ("text", 1, True, 0.5, b"bytes", {}, [None], None)
"""Values that most arguments are not."""


@st.composite
def blocks(draw: Any, known: Known, *kinds: str, deepest: bool = False) -> Block:
    """A transaction of some operations, with savepoints among them."""
    steps = operations(known, *kinds)
    if not deepest:
        steps = steps | steps | blocks(known, *kinds, deepest=True)
    return Block(tuple(draw(st.lists(steps, max_size=4))), draw(st.booleans()))
