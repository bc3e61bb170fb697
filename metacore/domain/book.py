"""The book: what a decision works on, loaded once, changed item by item, and saved as one set of changes."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from metacore.domain.amounts import canonical, exact
from metacore.domain.balances import Balance, BalanceDelta, BalanceEntry, BalanceKey
from metacore.domain.changes import NOTHING_UNSETTLED, Changes, EntryReference, Loaded, RowKey, Unsettled, row_key
from metacore.domain.funds import Funds
from metacore.domain.holds import excess
from metacore.domain.journal import release
from metacore.domain.order_updates import NewOrderUpdate
from metacore.domain.orders import Order, OrderKey
from metacore.domain.trades import NewTrade, Trade, TradeKey
from metacore.domain.users import User
from metacore.errors import ConflictError, NotFoundError


class Book:
    """Orders, trades and balances as they stand while the items of a batch take effect one after the other.

    An item sees what the ones before it did, as if each had been saved by itself. A rule first judges, reading from
    the book, and then writes to it: an item that is refused leaves nothing behind.
    """

    def __init__(self, loaded: Loaded, now: datetime) -> None:
        self.now = now
        self._users = loaded.users
        self._orders = {order.key: order for order in loaded.orders}
        self._names: dict[tuple[UUID, str, str], OrderKey] = {}
        self._trades: dict[TradeKey, list[Trade]] = {}
        self._trade_ids: dict[tuple[UUID, UUID], TradeKey] = {}
        self._unsettled = dict(loaded.unsettled)
        self._entries = {
            (entry.user_id, entry.reason, entry.reference): entry for entry in loaded.entries if entry.reference
        }
        self._funds: dict[BalanceKey, Funds] = {}
        self._loaded_orders = dict(self._orders)
        rows: tuple[Order | Trade, ...] = (*loaded.orders, *loaded.trades)
        self._versions: dict[RowKey, int] = {row_key(row): row.version for row in rows}
        self._changed_orders: dict[OrderKey, Order] = {}
        self._changed_trades: dict[tuple[UUID, UUID], Trade] = {}
        self._updates: list[NewOrderUpdate] = []
        self._deltas: list[BalanceDelta] = []
        for order in loaded.orders:
            self._name(order)
        for trade in loaded.trades:
            self._keep(trade)

    def user(self, user_id: UUID) -> User:
        """The user; NotFoundError if there is none."""
        user = self._users.get(user_id)
        if user is None:
            raise NotFoundError("user", user_id)
        return user

    def order(self, user_id: UUID, order_id: UUID) -> Order:
        """The order with this id; NotFoundError if the user has none such."""
        order = self._orders.get((user_id, order_id))
        if order is None:
            raise NotFoundError("order", (user_id, order_id))
        return order

    def orders(self) -> Collection[Order]:
        """All orders."""
        return self._orders.values()

    def find_order(
        self, user_id: UUID, order_id: UUID | None, exchange_order_id: str | None, client_order_id: str | None
    ) -> Order | None:
        """The order that the given ids name, None if it is unknown.

        ConflictError if they name two, or one whose id or exchange_order_id is another. A client_order_id that is no
        order's does not count beside another id: some exchanges tell that of the cancel request.
        """
        keys = set()
        if order_id is not None and (user_id, order_id) in self._orders:
            keys.add((user_id, order_id))
        if exchange_order_id is not None and (key := self._names.get((user_id, "exchange", exchange_order_id))):
            keys.add(key)
        if client_order_id is not None and (key := self._names.get((user_id, "client", client_order_id))):
            keys.add(key)
        if not keys:
            return None
        if len(keys) > 1:
            raise ConflictError("the ids name two orders", conflicts=tuple(sorted(str(key[1]) for key in keys)))
        order = self._orders[keys.pop()]
        for told, known in ((order_id, order.id), (exchange_order_id, order.exchange_order_id)):
            if told is not None and known is not None and told != known:
                raise ConflictError(f"order {order.id} is not also {told}", conflicts=(str(order.id), str(told)))
        return order

    def put_order(self, order: Order) -> None:
        """Take `order` for what it is now."""
        self._orders[order.key] = self._changed_orders[order.key] = order
        self._name(order)

    def unsettled(self, order: Order) -> Unsettled:
        """The sums over the trades of `order` that are stored and not SETTLED."""
        return self._unsettled.get(order.key, NOTHING_UNSETTLED)

    def trades(self, key: TradeKey) -> list[Trade]:
        """The trades with this key, one for each order."""
        return self._trades.get(key, [])

    def know_trades(self, trades: Iterable[Trade]) -> None:
        """Take note of stored trades, beside the loaded ones, whose ids are taken."""
        for trade in trades:
            self._trade_ids.setdefault((trade.user_id, trade.id), trade.key)

    def require_free_id(self, trade: NewTrade) -> None:
        """ConflictError if the id of `trade` is that of another one."""
        if (trade.user_id, trade.id) in self._trade_ids:
            raise ConflictError(
                f"the id of trade {trade.exchange_trade_id} is that of another trade; give it one of its own",
                conflicts=(str(trade.id),),
            )

    def is_counted(self, trade: Trade, order: Order) -> bool:
        """Whether `trade`, which is stored, is part of the sums that `unsettled` gives of `order`."""
        loaded = self._loaded_orders.get(order.key)
        return trade.order_id == order.id or (trade.order_id is None and loaded is not None and trade.is_of(loaded))

    def put_trade(self, trade: Trade, replaced: Trade | None) -> None:
        """Take `trade` for what it is now, in place of `replaced`."""
        if replaced is not None:
            self._trades[trade.key].remove(replaced)
        self._keep(trade)
        self._changed_trades[trade.user_id, trade.id] = trade

    def count_unsettled(self, order: Order, quantity: Decimal, quote_quantity: Decimal) -> None:
        """Add to the sums that `unsettled` gives of `order`."""
        sums = self.unsettled(order)
        self._unsettled[order.key] = Unsettled(sums.quantity + quantity, sums.quote_quantity + quote_quantity)

    def append(self, update: NewOrderUpdate) -> None:
        """Add to the history of an order."""
        self._updates.append(update)

    def open_balances(self, balances: Iterable[Balance]) -> None:
        """Take note of `balances`, which are locked: only they can be posted to."""
        for balance in balances:
            self._funds[balance.key] = Funds(balance.free, balance.locked)

    def release_excess(self, order: Order, occurred_at: datetime) -> Order:
        """`order`, not put yet, without what it holds and has no reason to hold any longer, which goes to free."""
        amount = excess(order)
        if not amount or order.held_asset is None:
            return order
        return self.lower_hold(order, amount, occurred_at)

    def lower_hold(self, order: Order, amount: Decimal, occurred_at: datetime) -> Order:
        """`order`, not put yet, holding `amount` less, which goes to free.

        Should less than that be locked, because somebody else wrote `locked`, no more than that goes to free.
        """
        if order.held_asset is None:
            return order
        locked = self.funds(order.user_id, order.held_asset).locked
        if set_free := min(amount, locked):
            self.post((release(order.user_id, order.held_asset, set_free, str(order.id), occurred_at),))
        with exact():
            return order.changed(held_amount=canonical(order.held_amount - amount))

    def entry(self, reference: EntryReference) -> BalanceEntry | None:
        """The entry of the deposit or withdrawal with this reference, None if there is none."""
        return self._entries.get(reference)

    def funds(self, user_id: UUID, asset: str) -> Funds:
        """What the user has of `asset` now."""
        return self._funds[user_id, asset]

    def post(self, deltas: Iterable[BalanceDelta]) -> None:
        """Move balances; the rule has seen to it that none falls below zero."""
        with exact():
            for delta in deltas:
                funds = self._funds[delta.user_id, delta.asset]
                funds.free += delta.delta_free
                funds.locked += delta.delta_locked
                self._deltas.append(delta)

    def changes(self) -> Changes:
        """What is to be saved."""
        orders, trades = tuple(self._changed_orders.values()), tuple(self._changed_trades.values())
        rows: tuple[Order | Trade, ...] = (*orders, *trades)
        return Changes(
            orders=orders,
            order_updates=tuple(self._updates),
            trades=trades,
            balance_deltas=tuple(self._deltas),
            expected_versions={
                key: version
                for row in rows
                if (version := self._versions.get(key := row_key(row), 0)) != row.version - 1
            },
        )

    def _name(self, order: Order) -> None:
        if order.exchange_order_id is not None:
            self._names[order.user_id, "exchange", order.exchange_order_id] = order.key
        if order.client_order_id is not None:
            self._names[order.user_id, "client", order.client_order_id] = order.key

    def _keep(self, trade: Trade) -> None:
        self._trades.setdefault(trade.key, []).append(trade)
        self._trade_ids[trade.user_id, trade.id] = trade.key
