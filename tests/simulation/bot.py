"""A bot that trades on the exchange, and brings to the books what it hears."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from random import Random
from uuid import UUID

from metacore.domain.trading.orders import NewOrder, Order, OrderSide, OrderType
from metacore.domain.trading.reports import ExecutionReport, Outcome
from metacore.domain.trading.trades import NewTrade
from metacore.errors import ExchangeError, InsufficientFundsError
from metacore.exchanges import mexc
from metacore.sync.services.reconciling import Reconciler
from metacore.sync.services.trading import TradingService
from metacore.sync.storage.storage import Storage

from . import payloads
from .exchange import PAIRS, PRICES, Deal, Exchange, Listed
from .timeline import Mail, Timeline

TOPIC = "trading"
"""Where all that it changes is told."""


class Bot:
    """One user's trading; it knows the exchange by its messages alone."""

    def __init__(
        self, storage: Storage, user_id: UUID, timeline: Timeline, exchange: Exchange, mail: Mail, chance: Random
    ) -> None:
        self.storage = storage
        self.user_id = user_id
        self._timeline = timeline
        self._exchange = exchange
        self._mail = mail
        self._chance = chance
        self.trading = TradingService(storage, feed=TOPIC)
        self._reconciler = Reconciler(storage, feed=TOPIC)
        self.wrong: list[str] = []

    def act(self) -> None:
        """Do what somebody with an account does."""
        kind = self._chance.random()
        if kind < 0.6:
            self.place()
        elif kind < 0.75:
            # By hand, on the exchange's own pages.
            self._take(self._wish(), None)
        elif kind < 0.9:
            self._exchange.move(self._timeline.now)
        else:
            self._cancel()

    def place(self) -> None:
        """Place an order here, and ask the exchange for it."""
        try:
            order = self.trading.place_order(self._wish())
        except InsufficientFundsError:
            return
        self._mail.request(lambda: self._take(order, order.id))
        self._timeline.after(15, lambda: self._ask_for(order))

    def refresh(self) -> None:
        """Ask for the account, take it over and, now and then, place an order at once."""
        taken_at = self._timeline.our_clock()

        def serve() -> None:
            answer = payloads.account(self._exchange.totals, self._exchange.orders)
            self._timeline.after(self._chance.choice([0.02, 0.25, 2]) * self._chance.random(), lambda: read(answer))

        def read(answer: bytes) -> None:
            self.trading.sync_account(self.user_id, mexc.account(answer, taken_at=taken_at))
            if self._chance.random() < 0.3:
                self.place()

        self._timeline.after(self._chance.random() * 0.25, serve)

    def poll(self) -> None:
        """Ask for orders, trades and transfers of late."""
        now, orders = self._timeline.now, self._exchange.orders[-20:]
        answers = [
            payloads.orders(orders),
            payloads.trades(self._exchange.deals[-20:]),
            payloads.deposits(self._exchange.moved[-10:], now),
            payloads.withdrawals(self._exchange.moved[-10:], now),
        ]
        self._mail.answer(lambda: self._reconcile(self._chance.sample(answers, self._chance.randint(1, 4))))

    def restart(self) -> None:
        """Ask for everything, and for each order of which the exchange tells nothing."""
        now, exchange = self._timeline.now, self._exchange
        answers = [
            payloads.orders(exchange.orders),
            payloads.trades(exchange.deals),
            payloads.deposits(exchange.moved, now),
            payloads.withdrawals(exchange.moved, now),
        ]
        self._chance.shuffle(answers)
        self._reconcile(answers)

    def _reconcile(self, answers: list[bytes]) -> None:
        state = mexc.exchange_state(answers, user_id=self.user_id, symbols=payloads.SYMBOLS)
        assert state.bad == ()
        result = self._reconciler.reconcile(state)
        assert result.errors == ()
        # What was asked for just now may be on its way.
        before = self._timeline.our_clock() - timedelta(seconds=1)
        for order in result.unseen:
            if order.placed_at is not None and order.placed_at < before:
                self._ask_for(order)

    def _wish(self) -> NewOrder:
        chance = self._chance
        symbol, side, kind = chance.choice(list(PAIRS)), chance.choice(list(OrderSide)), chance.random()
        quantity, price, quote = Decimal(chance.randint(1, 5000)).scaleb(-2), PRICES[symbol], None
        type_ = OrderType.LIMIT
        if kind < 0.25:
            type_ = OrderType.IMMEDIATE_OR_CANCEL
        elif kind < 0.4 and side is OrderSide.SELL:
            type_, price = OrderType.MARKET, None
        elif kind < 0.4:
            type_, price, quote, quantity = OrderType.MARKET, None, quantity * 10, None
        return NewOrder(
            id=UUID(int=chance.getrandbits(128)),
            user_id=self.user_id,
            symbol=symbol,
            base_asset=PAIRS[symbol][0],
            quote_asset=PAIRS[symbol][1],
            side=side,
            type=type_,
            price=price,
            quantity=quantity,
            quote_quantity=quote,
            client_order_id=f"c-{chance.getrandbits(60)}" if chance.random() < 0.5 else None,
        )

    def _take(self, asked: NewOrder, order_id: UUID | None) -> None:
        """The exchange takes an order, answers, and executes it bit by bit."""
        listed = self._exchange.place(asked, self._timeline.now)
        if order_id is not None:
            answer = payloads.placed(listed)
            self._mail.answer(lambda: self._report(answer, order_id))
        self._push_order(listed)
        for _ in range(self._chance.choice([0, 1, 1, 2, 3])):
            self._timeline.after(self._chance.choice([0.03, 0.2, 1, 5, 30]), lambda: self._execute(listed))

    def _execute(self, listed: Listed) -> None:
        deal = self._exchange.execute(listed, self._timeline.now)
        if deal is not None:
            self._push_deal(deal)
            self._push_order(listed)

    def _cancel(self) -> None:
        waiting = self.storage.orders.list_open(self.user_id)
        if not waiting:
            return
        order = self.trading.cancel_order(self.user_id, self._chance.choice(waiting).id)

        def serve() -> None:
            listed = self._exchange.find(order)
            if listed is None or not self._exchange.cancel(listed, self._timeline.now):
                return
            answer = payloads.canceled(listed)
            self._mail.answer(lambda: self._report(answer, order.id))
            self._push_order(listed)

        self._mail.request(serve)

    def _ask_for(self, order: Order) -> None:
        """Ask for an order; the exchange never got one that it does not know."""
        listed = self._exchange.find(order)
        answer = payloads.refused() if listed is None else payloads.queried(listed)
        self._mail.answer(lambda: self._report(answer, order.id))

    def _report(self, answer: bytes, order_id: UUID) -> None:
        now = self._timeline.our_clock()
        known = {"user_id": self.user_id, "symbols": payloads.SYMBOLS, "order_id": order_id, "occurred_at": now}
        try:
            report = mexc.report(answer, **known)
        except ExchangeError:
            if self.storage.orders.get(self.user_id, order_id).status.is_open:
                self.trading.reject_unknown(self.user_id, order_id)
            return
        self.trading.apply_report(report)

    def _push_order(self, listed: Listed) -> None:
        message = payloads.pushed_order(listed, self._timeline.now, self._chance.random() < 0.5)
        self._mail.push(lambda: self._read(message))

    def _push_deal(self, deal: Deal) -> None:
        message = payloads.pushed_deal(deal, self._timeline.now, self._chance.random() < 0.5)
        self._mail.push(lambda: self._read(message))

    def _read(self, message: bytes) -> None:
        event = mexc.stream_event(message, user_id=self.user_id, symbols=payloads.SYMBOLS)
        if isinstance(event, ExecutionReport):
            self.trading.apply_report(event)
        elif isinstance(event, NewTrade):
            self._settle(event)

    def _settle(self, trade: NewTrade) -> None:
        result = self.trading.settle_trade(trade)
        placed_at = None if result.order is None else result.order.placed_at
        synced_at = self.storage.users.get(self.user_id).balances_synced_at
        if result.outcome is Outcome.COVERED and placed_at and synced_at and placed_at > synced_at:
            self.wrong.append(f"the snapshot taken over at {synced_at} cannot have known of {result}")
