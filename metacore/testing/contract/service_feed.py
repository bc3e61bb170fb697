"""The contract of the feed: the events that a trading service appends of what it changed."""

from __future__ import annotations

from decimal import Decimal

import pytest

from metacore.domain.messages.events import Event
from metacore.domain.messages.feed import OrderUpdated, ReservationChanged, TradeSettled, balance_key, parse_feed_event
from metacore.domain.people.users import User
from metacore.domain.trading.decisions import Changes, Feed
from metacore.domain.trading.orders import NewOrder, Order
from metacore.domain.trading.reports import Outcome
from metacore.errors import ConflictError, InsufficientFundsError, InvalidDataError
from metacore.sync.services.ledger import LedgerService
from metacore.sync.services.trading import TradingService
from metacore.sync.storage.storage import Storage
from metacore.testing.clock import ManualClock
from metacore.testing.contract.service_trading import (
    PRICE,
    SIZE,
    TradingContract,
    fill,
    new_order,
    report,
    snapshot,
)
from metacore.testing.copies import Copy
from metacore.testing.factories import NewOrderUpdateFactory, NewReservationFactory
from metacore.testing.runners import Runner

TOPIC = "trading"


def types(events: list[Event]) -> list[str]:
    """The types of the events, those of a key in their order."""
    return sorted((event.type for event in events), key=lambda name: name.partition(".")[0])


class FeedContract(TradingContract):
    """Of `TradingService(storage, feed=...)`."""

    @pytest.fixture
    def trading(self, runner: Runner, storage: Storage) -> TradingService:
        trading: TradingService = runner.service("TradingService", storage, feed=TOPIC)
        return trading

    @pytest.fixture
    def copy(self, storage: Storage) -> Copy:
        """A copy that has taken nothing yet."""
        return Copy(storage, TOPIC)

    def test_each_call_tells_what_it_changed(
        self, storage: Storage, trading: TradingService, user: User, copy: Copy, clock: ManualClock
    ) -> None:
        trading.deposit(user.id, "USDT", Decimal(2000), "all")
        assert types(copy.catch_up()) == ["balance.changed"]
        order, other = trading.place_orders([new_order(user), new_order(user, quantity=SIZE / 2)])
        assert types(copy.catch_up()) == ["balance.changed", "order.updated", "order.updated"]
        trading.cancel_order(user.id, other.id, "not wanted")
        trading.apply_report(report(other, "CANCELED", 0, raw={"told": "by the exchange"}))
        assert types(copy.catch_up()) == ["balance.changed", *["order.updated"] * 2]
        trading.settle_trade(fill(order, commission=Decimal("0.00001"), commission_asset="BTC", raw={"a": 1}))
        assert types(copy.catch_up()) == ["balance.changed"] * 2 + ["order.updated", "trade.settled"]
        copy.assert_equals_the_books(user.id)
        trading.apply_report(report(order, "FILLED", SIZE))
        trading.release_hold(user.id, order.id, "it never came")
        trading.withdraw(user.id, "USDT", Decimal(1), "some")
        trading.reject_unknown(user.id, trading.place_order(new_order(user)).id)
        trading.place_order(new_order(user, quantity=SIZE / 4))
        clock.advance(minutes=1)
        trading.sync_account(user.id, snapshot(clock.now, USDT=10, BTC=1))
        assert copy.catch_up()
        copy.assert_equals_the_books(user.id)

    def test_a_trade_that_waits_is_an_event_and_another_when_it_is_settled(
        self, storage: Storage, trading: TradingService, user: User, order: Order, copy: Copy
    ) -> None:
        costly = fill(order, quantity=SIZE, commission=Decimal(1), commission_asset="USDT")
        assert trading.settle_trade(costly).outcome is Outcome.PENDING
        events = [event for event in copy.catch_up() if event.key == str(order.id)]
        assert [event.type for event in events] == ["order.updated", "order.updated", "trade.pending"]
        trading.deposit(user.id, "USDT", Decimal(1), "more")
        trading.settle_pending(user.id)
        events = [event for event in copy.catch_up() if event.key == str(order.id)]
        assert [event.type for event in events] == ["order.updated", "trade.settled"]
        copy.assert_equals_the_books(user.id)

    def test_a_trade_has_its_own_id_for_a_key_while_its_order_is_unknown(
        self, storage: Storage, trading: TradingService, user: User, copy: Copy
    ) -> None:
        trading.deposit(user.id, "USDT", Decimal(1000), "all")
        later = new_order(user, exchange_order_id="E1")
        early = fill(later, order_id=None, exchange_order_id="E1", client_order_id=None)
        assert trading.settle_trade(early).outcome is Outcome.UNKNOWN_ORDER
        assert {(event.type, event.key) for event in copy.catch_up()} >= {("trade.pending", str(early.id))}
        trading.apply_report(report(later, "NEW", 0).changed(order=later))
        trading.settle_pending(user.id)
        assert {(event.type, event.key) for event in copy.catch_up()} >= {("trade.settled", str(later.id))}
        copy.assert_equals_the_books(user.id)

    def test_what_changes_nothing_is_no_event(
        self, storage: Storage, trading: TradingService, user: User, order: Order, copy: Copy
    ) -> None:
        trade = fill(order)
        trading.settle_trade(trade)
        copy.catch_up()
        trading.place_order(NewOrder(**order.content(), id=order.id))
        assert trading.settle_trade(trade).outcome is Outcome.DUPLICATE
        assert trading.deposit(user.id, "USDT", Decimal(1000), "all").outcome is Outcome.DUPLICATE
        assert trading.settle_trades([fill(order, id=trade.id)])[0].outcome is Outcome.CONFLICT
        assert trading.settle_pending(user.id) == ()
        with pytest.raises(ConflictError):
            trading.settle_trade(trade.changed(price=PRICE - 1))
        with pytest.raises(InsufficientFundsError):
            trading.place_orders([new_order(user, price=Decimal(1), quantity=Decimal(1)), new_order(user)])
        assert copy.catch_up() == []

    def test_the_event_of_a_stale_report_has_the_order_as_it_stays(
        self, storage: Storage, trading: TradingService, user: User, order: Order, copy: Copy
    ) -> None:
        trading.apply_report(report(order, "PARTIALLY_FILLED", SIZE / 2))
        copy.catch_up()
        assert trading.apply_report(report(order, "NEW", 0)).outcome is Outcome.STALE
        (event,) = copy.catch_up()
        content = parse_feed_event(event)
        assert isinstance(content, OrderUpdated)
        assert (content.order.status, [update.outcome for update in content.updates]) == ("PARTIALLY_FILLED", ["STALE"])
        copy.assert_equals_the_books(user.id)

    def test_a_reservation_made_resolved_or_cut_is_an_event(
        self,
        storage: Storage,
        runner: Runner,
        trading: TradingService,
        user: User,
        other: User,
        copy: Copy,
        clock: ManualClock,
    ) -> None:
        ledger: LedgerService = runner.service("LedgerService", storage, feed=TOPIC)
        trading.deposit(user.id, "USDT", Decimal(10), "all")
        copy.catch_up()
        new = [NewReservationFactory.build(user_id=user.id, asset="USDT", amount=n) for n in (1, 2, 3)]
        new += [NewReservationFactory.build(user_id=user.id, asset="USDT", amount=4, expires_at=clock.now)]
        ledger.reserve_all(new)
        assert types(copy.catch_up()) == ["balance.changed", *["reservation.changed"] * 4]
        ledger.post(*new[0].key, Decimal("0.5"), to=other.id)
        ledger.void(*new[1].key)
        ledger.reserve(new[1])
        assert ledger.expire_due() == 1
        events = copy.catch_up()
        resolved = [event.key for event in events if event.type == "reservation.changed"]
        assert sorted(resolved) == sorted(str(row.id) for row in (new[0], new[1], new[3]))
        copy.assert_equals_the_books(user.id)
        clock.advance(minutes=1)
        trading.sync_account(user.id, snapshot(clock.now, USDT=2))
        (content,) = [parse_feed_event(row) for row in copy.catch_up() if row.type == "reservation.changed"]
        assert isinstance(content, ReservationChanged)
        assert (content.reservation.id, content.reservation.held_amount) == (new[2].id, Decimal(2))
        copy.assert_equals_the_books(user.id)
        copy.assert_equals_the_books(other.id)

    def test_events_are_committed_with_the_transaction_or_not_at_all(
        self, storage: Storage, runner: Runner, user: User, copy: Copy
    ) -> None:
        with pytest.raises(KeyError), storage.transaction() as tx:
            runner.service("TradingService", tx, feed=TOPIC).deposit(user.id, "USDT", Decimal(1), "undone")
            raise KeyError
        with storage.transaction() as tx:
            trading: TradingService = runner.service("TradingService", tx, feed=TOPIC)
            with pytest.raises(KeyError), tx.transaction() as savepoint:
                runner.service("TradingService", savepoint, feed=TOPIC).deposit(user.id, "USDT", Decimal(1), "undone")
                raise KeyError
            trading.deposit(user.id, "USDT", Decimal(1000), "all")
            order = trading.place_order(new_order(user))
            trading.settle_trade(fill(order))
            assert storage.outbox.lag(TOPIC).events == 0
        assert len(copy.catch_up()) == 7
        copy.assert_equals_the_books(user.id)

    def test_in_a_batch_the_events_of_a_key_come_in_order_however_many(
        self, storage: Storage, trading: TradingService, user: User, copy: Copy
    ) -> None:
        trading.deposit(user.id, "USDT", PRICE * 1000, "all")
        order = trading.place_order(new_order(user, quantity=Decimal(1000)))
        copy.catch_up()
        trades = [fill(order, quantity=Decimal(1)) for _ in range(250)]
        trading.settle_trades(trades)
        of_order = [parse_feed_event(event) for event in copy.catch_up() if event.key == str(order.id)]
        assert [len(content.updates) for content in of_order if isinstance(content, OrderUpdated)] == [100, 100, 50]
        assert [content.trade.id for content in of_order[3:] if isinstance(content, TradeSettled)] == [
            row.id for row in trades
        ]
        copy.assert_equals_the_books(user.id)

    def test_events_leave_out_or_cut_what_has_no_bound(
        self, storage: Storage, trading: TradingService, user: User, order: Order, copy: Copy
    ) -> None:
        copy.catch_up()
        long = {"raw": {"told": "x" * 2_000_000}, "reason": "x" * 2_000_000}
        trading.apply_report(report(order, "CANCELED", 0, **long))
        contents = [parse_feed_event(event) for event in copy.catch_up() if event.type == "order.updated"]
        assert isinstance(contents[0], OrderUpdated)
        (update,) = contents[0].updates
        assert (update.raw, update.reason, contents[0].order.reason) == (None, "x" * 1000, "x" * 1000)

    def test_a_balance_of_a_long_name_has_a_key_too(self, trading: TradingService, user: User, copy: Copy) -> None:
        for asset in ("Ü" * 218, "Ü" * 219, "Ü" * 255):
            trading.deposit(user.id, asset, Decimal(1), asset)
            (event,) = copy.catch_up()
            assert event.key == balance_key(user.id, asset)
            assert (event.key == f"{user.id}:{asset}") is (len(asset) == 218)
        copy.assert_equals_the_books(user.id)

    def test_without_a_feed_there_are_no_events(self, storage: Storage, runner: Runner, user: User, copy: Copy) -> None:
        runner.service("TradingService", storage).deposit(user.id, "USDT", Decimal(1), "untold")
        assert copy.catch_up() == []
        for topic in ("", "x" * 256, 1, "\0"):
            with pytest.raises(InvalidDataError) as caught:
                runner.service("TradingService", storage, feed=topic)
            assert caught.value.field == "feed"

    def test_a_feed_that_lacks_an_order_is_refused(
        self, storage: Storage, user: User, order: Order, copy: Copy
    ) -> None:
        copy.catch_up()
        update = NewOrderUpdateFactory.build(of=order)
        for changes in (Changes(orders=(order.changed(version=2),)), Changes(order_updates=(update,))):
            with storage.transaction() as tx:
                with pytest.raises(InvalidDataError) as caught:
                    tx.save(Changes(changes.orders, changes.order_updates, feed=Feed(TOPIC)))
                assert caught.value.field == "feed"
        assert storage.orders.get(*order.key) == order
        assert copy.catch_up() == []

    def test_many_at_once_leave_no_gap_and_no_deadlock(
        self, storage: Storage, trading: TradingService, runner: Runner, user: User, other: User, copy: Copy
    ) -> None:
        orders: list[Order] = []
        for owner in (user, other):
            trading.deposit(owner.id, "USDT", PRICE * 1000, "all")
            orders += trading.place_orders([new_order(owner, quantity=Decimal(100)) for _ in range(3)])
        retries = storage.stats().retries

        def settle() -> None:
            fills = [fill(order, quantity=Decimal(1)) for order in orders]
            trading.settle_trades(fills)
            trading.settle_trades([fill(order, quantity=Decimal(1)) for order in reversed(orders)])
            trading.deposit(other.id, "BTC", Decimal(1), str(fills[0].id))

        assert runner.together(*[settle] * 6) == [None] * 6
        assert storage.stats().retries == retries
        copy.catch_up()
        copy.assert_equals_the_books(user.id)
        copy.assert_equals_the_books(other.id)
