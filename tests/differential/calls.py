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

from . import drawing as draw
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

_FRESH = draw.new_orders(status=st.just(OrderStatus.PENDING_NEW))
_TRANSFER = (draw.users, draw.assets, draw.money, draw.references, draw.maybe(draw.times))


def always(strategy: Strategy) -> Callable[[Known], Strategy]:
    """The same, whatever is stored."""
    return lambda _: strategy


def by_key(path: str, *args: Any) -> Callable[[Known], Strategy]:
    """Calls of the method at `path` with the key of an order, mostly of one that is stored."""
    return lambda known: draw.keys_of(known.orders).flatmap(lambda key: operation(path, *map(st.just, key), *args))


TRADING: Table = {
    "place_order": always(operation("trading.place_order", _FRESH, draw.maybe(draw.money))),
    "place_orders": always(operation("trading.place_orders", st.lists(_FRESH, max_size=3))),
    "cancel_order": by_key("trading.cancel_order"),
    "reject_unknown": by_key("trading.reject_unknown"),
    "set_flags": always(operation("users.update", draw.users, draw.flags)),
    "release_hold": by_key("trading.release_hold", draw.texts),
    "apply_report": lambda known: operation("trading.apply_report", draw.reports(known.orders)),
    "apply_reports": lambda known: operation("trading.apply_reports", st.lists(draw.reports(known.orders), max_size=4)),
    "settle_trade": lambda known: operation("trading.settle_trade", draw.new_trades(known.orders)),
    "settle_trades": lambda known: operation(
        "trading.settle_trades", st.lists(draw.new_trades(known.orders), max_size=4)
    ),
    "settle_pending": always(operation("trading.settle_pending", draw.users)),
    "deposit": always(operation("trading.deposit", *_TRANSFER)),
    "withdraw": always(operation("trading.withdraw", *_TRANSFER)),
    "reserve": always(operation("ledger.reserve", draw.new_reservations)),
    "reserve_all": always(operation("ledger.reserve_all", st.lists(draw.new_reservations, max_size=3))),
    "post": always(
        operation("ledger.post", draw.users, draw.reservation_ids, draw.maybe(draw.money), draw.maybe(draw.users))
    ),
    "void": always(operation("ledger.void", draw.users, draw.reservation_ids)),
    "expire_due": always(operation("ledger.expire_due", st.integers(1, 3))),
    "transfer": always(operation("ledger.transfer", draw.users, *_TRANSFER)),
    "sync_account": always(operation("trading.sync_account", draw.users, draw.snapshots())),
    "sync_account_nearly": lambda known: draw.near_snapshots(known.totals).flatmap(
        lambda arguments: operation("trading.sync_account", *map(st.just, arguments))
    ),
    "trades.create": lambda known: operation("trades.create", draw.new_trades(known.orders)),
    "trades.create_many": lambda known: operation(
        "trades.create_many", st.lists(draw.new_trades(known.orders), max_size=4)
    ),
    "orders.create": always(operation("orders.create", draw.new_orders())),
}


READING: dict[str, Strategy] = {
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
    "users.stream": operation("users.stream", draw.maybe(st.booleans())),
    "orders.get": operation("orders.get", draw.users, draw.order_ids),
    "orders.get_by_client_order_id": operation("orders.get_by_client_order_id", draw.users, draw.client_ids),
    "orders.get_by_exchange_order_id": operation("orders.get_by_exchange_order_id", draw.users, draw.exchange_ids),
    "orders.get_many": operation(
        "orders.get_many", st.lists(st.tuples(draw.users, draw.order_ids), max_size=4), for_update=st.booleans()
    ),
    "orders.list": operation("orders.list", draw.users, draw.order_filters, limit=draw.limits),
    "orders.stream": operation("orders.stream", draw.users, draw.order_filters),
    "orders.in_status": operation("orders.in_status", draw.statuses, limit=draw.limits),
    "orders.stream_in_status": operation("orders.stream_in_status", draw.statuses),
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
    "trades.pending": operation("trades.pending", limit=draw.limits),
    "trades.stream_pending": operation("trades.stream_pending"),
    "trades.stream": operation("trades.stream", draw.users, draw.trade_filters),
    "balances.get": operation("balances.get", draw.users, draw.assets),
    "balances.get_or_zero": operation("balances.get_or_zero", draw.users, draw.assets),
    "balances.get_many": operation(
        "balances.get_many", st.lists(st.tuples(draw.users, draw.assets), max_size=4), for_update=st.booleans()
    ),
    "balances.list": operation("balances.list", draw.users, nonzero=st.booleans(), unexplained=st.booleans()),
    "balances.unexplained": operation("balances.unexplained", limit=draw.limits),
    "balances.stream_unexplained": operation("balances.stream_unexplained"),
    "balances.stream_journal": operation("balances.stream_journal", draw.users, draw.entry_filters),
    "balances.stream_entries": operation("balances.stream_entries", draw.users, draw.maybe(draw.assets)),
    "balances.journal": operation("balances.journal", draw.users, draw.entry_filters, limit=draw.limits),
    "balances.entries": operation("balances.entries", draw.users, draw.maybe(draw.assets), limit=draw.limits),
    "balances.audit": operation("balances.audit", draw.users),
    "reservations.get": operation("reservations.get", draw.users, draw.reservation_ids),
    "reservations.get_by_reference": operation(
        "reservations.get_by_reference", draw.users, draw.assets, draw.references
    ),
    "reservations.list": operation(
        "reservations.list", draw.users, draw.maybe(st.sampled_from(ReservationState)), limit=draw.limits
    ),
    "reservations.stream": operation("reservations.stream", draw.users),
    "reservations.list_due": operation("reservations.list_due", draw.times, limit=draw.limits),
    "portfolios.get": operation("portfolios.get", draw.users),
    "portfolios.holders": operation("portfolios.holders", draw.assets, limit=draw.limits),
    "portfolios.stream_holders": operation("portfolios.stream_holders", draw.assets),
    "portfolios.symbols": operation("portfolios.symbols"),
    "order_records.get": operation("order_records.get", st.sampled_from(["1", "2", "4"])),
    "order_records.list": operation("order_records.list", limit=draw.limits),
    "order_records.stream": operation("order_records.stream"),
    "order_records.stream_by_customer": operation(
        "order_records.stream_by_customer", st.sampled_from(["test", "none"])
    ),
    "order_records.list_by_customer": operation("order_records.list_by_customer", st.sampled_from(["test", "none"])),
    "order_records.find": operation("order_records.find", st.sampled_from(["T", "", "none"])),
    "order_records.count": operation("order_records.count"),
    "outbox.read": operation("outbox.read", draw.sources, draw.sources, st.integers(-1, 3), limit=draw.limits),
    "outbox.stream": operation("outbox.stream", draw.sources, draw.sources, st.integers(-1, 3)),
    "bars.summary": operation(
        "bars.summary", *(draw.feeds, draw.sources, draw.times, draw.times), draw.maybe(draw.sources)
    ),
    "bars.latest": operation("bars.latest", draw.feeds, draw.sources, draw.maybe(draw.sources)),
    "bars.latest_of": operation(
        "bars.latest_of", draw.feeds, st.lists(draw.sources, max_size=3), draw.maybe(draw.sources)
    ),
    "bars.list": operation(
        "bars.list",
        *(draw.feeds, draw.sources, draw.maybe(draw.sources), draw.maybe(draw.times), draw.maybe(draw.times)),
        limit=draw.limits,
    ),
    "bars.stream": operation("bars.stream", draw.feeds, draw.sources, draw.maybe(draw.sources)),
    "logins.find": operation("logins.find", st.sampled_from(["alice", "bob", "nobody", "\0"])),
    "sessions.get": operation("sessions.get", draw.users, draw.session_ids),
    "dead_letters.get": operation("dead_letters.get", draw.sources, draw.sources),
    "dead_letters.list": operation("dead_letters.list", draw.maybe(draw.sources), st.booleans(), limit=draw.limits),
    "dead_letters.stream": operation("dead_letters.stream", draw.maybe(draw.sources), st.booleans()),
    "dead_letters.count": operation("dead_letters.count", draw.maybe(draw.sources)),
}

WRITING: dict[str, Strategy] = {
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
    "inbox.accept": operation("inbox.accept", draw.sources, draw.sources, draw.sources, st.integers(0, 3)),
    "inbox.accept_many": operation(
        "inbox.accept_many",
        draw.sources,
        st.lists(st.tuples(draw.sources, draw.sources, st.integers(0, 3)), max_size=4),
    ),
    "inbox.once": operation("inbox.once", draw.sources, draw.sources),
    "inbox.purge": operation("inbox.purge", draw.times, limit=draw.limits),
    "outbox.append": operation("outbox.append", st.lists(draw.new_events, max_size=4)),
    "outbox.purge": operation("outbox.purge", draw.times, limit=draw.limits),
    "bars.add": operation("bars.add", st.lists(draw.bar_parts, max_size=4)),
    "bars.purge": operation("bars.purge", draw.feeds, draw.times, limit=draw.limits),
    "dead_letters.put": operation("dead_letters.put", draw.dead_letters),
    "dead_letters.resolve": operation(
        "dead_letters.resolve", draw.sources, draw.sources, st.sampled_from(Resolution), draw.maybe(draw.texts)
    ),
    "logins.register": operation("logins.register", draw.new_users, draw.password_hashes),
    "logins.set_password": operation(
        "logins.set_password", draw.users, draw.password_hashes, draw.maybe(draw.password_hashes)
    ),
    "logins.fail": operation("logins.fail", draw.users),
    "logins.admit": operation("logins.admit", draw.users, draw.password_hashes, draw.maybe(draw.password_hashes)),
    "sessions.create": operation("sessions.create", draw.new_sessions),
    "sessions.rotate": operation(
        "sessions.rotate",
        *(draw.users, draw.session_ids, draw.digests, draw.digests, draw.digests, draw.times, draw.graces),
    ),
    "sessions.end": operation("sessions.end", draw.users, draw.session_ids, draw.texts),
    "sessions.end_all": operation("sessions.end_all", draw.users, draw.texts, draw.maybe(draw.session_ids)),
    "sessions.purge": operation("sessions.purge", draw.times, limit=draw.limits),
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
