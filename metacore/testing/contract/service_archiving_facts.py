"""The contract of the archiver: what is told after it, of whatever time, counts once."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from metacore.domain.messages.feed import BalanceChanged, parse_feed_event
from metacore.domain.people.users import User
from metacore.domain.trading.balances import EntryReason
from metacore.domain.trading.orders import NewOrder
from metacore.domain.trading.reports import Outcome
from metacore.domain.trading.trades import NewTrade
from metacore.errors import ArchivedError
from metacore.ids import new_id
from metacore.sync.services.archiving import Archiver
from metacore.sync.services.trading import TradingService
from metacore.sync.storage.storage import Storage
from metacore.testing.clock import START, ManualClock
from metacore.testing.contract.service_archiving import DAY, ArchivingContract, Shelf
from metacore.testing.contract.service_trading import SIZE, fill, money, new_order, report, snapshot
from metacore.testing.runners import Runner


class ArchivedFactContract(ArchivingContract):
    """What becomes of orders, trades, transfers and snapshots after `archive`."""

    def test_orders_go_on_after_it(
        self,
        storage: Storage,
        clock: ManualClock,
        trading: TradingService,
        archiver: Archiver,
        shelf: Shelf,
        user: User,
    ) -> None:
        trading.deposit(user.id, "USDT", Decimal(1000), "all")
        order = trading.place_order(new_order(user))
        trading.settle_trade(fill(order, traded_at=START))
        clock.advance(days=3)
        self.archive(archiver, user, shelf, START + DAY)
        late = fill(order, traded_at=START)
        assert trading.settle_trade(late).outcome is Outcome.SETTLED
        assert trading.settle_trade(late).outcome is Outcome.DUPLICATE
        clock.advance(days=3)
        self.archive(archiver, user, shelf, START + 5 * DAY)
        assert storage.users.get(user.id).archived_until == START + 5 * DAY
        assert storage.orders.list(user.id).items == ()
        assert money(storage, user) == {"BTC": "0.02 / 0"}

    def test_a_trade_that_was_taken_out_is_never_settled_twice(
        self,
        storage: Storage,
        clock: ManualClock,
        trading: TradingService,
        archiver: Archiver,
        shelf: Shelf,
        user: User,
        bought: list[NewTrade],
    ) -> None:
        clock.advance(days=3)
        self.archive(archiver, user, shelf, START + DAY)
        after = money(storage, user)
        repeated = [bought[0], bought[1].changed(id=new_id(), traded_at=START - timedelta(seconds=1))]
        for trade in repeated:
            with pytest.raises(ArchivedError) as caught:
                trading.settle_trade(trade)
            assert (caught.value.field, caught.value.until) == ("traded_at", START + DAY)
        assert [result.outcome for result in trading.settle_trades(repeated)] == [Outcome.INVALID, Outcome.INVALID]
        storage.trades.create_many(bought)
        with pytest.raises(ArchivedError):
            trading.settle_trade(bought[0])
        assert money(storage, user) == after

    def test_an_order_that_was_taken_out_is_not_found_or_placed_again(
        self,
        storage: Storage,
        clock: ManualClock,
        trading: TradingService,
        archiver: Archiver,
        shelf: Shelf,
        user: User,
        bought: list[NewTrade],
    ) -> None:
        (order,) = storage.orders.list(user.id).items
        clock.advance(days=3)
        self.archive(archiver, user, shelf, START + DAY)
        carried = NewOrder(**{name: getattr(order, name) for name in NewOrder.model_fields})
        late = report(order, "FILLED", SIZE, occurred_at=START).changed(order=carried)
        with pytest.raises(ArchivedError) as caught:
            trading.apply_report(late)
        assert caught.value.field == "occurred_at"
        assert trading.apply_report(late.changed(order=None)).outcome is Outcome.UNKNOWN_ORDER
        trading.deposit(user.id, "USDT", Decimal(5000), "more")
        # The id tells the time: 48 bits of milliseconds.
        at = int((START - DAY).timestamp() * 1000)
        old = new_id()
        with pytest.raises(ArchivedError) as caught:
            trading.place_order(new_order(user, id=type(old)(int=(at << 80) | (old.int & (2**80 - 1)))))
        assert caught.value.field == "id"
        assert storage.orders.list(user.id).items == ()

    def test_deposits_are_known_by_their_references_for_ever(
        self,
        storage: Storage,
        clock: ManualClock,
        trading: TradingService,
        archiver: Archiver,
        shelf: Shelf,
        user: User,
        bought: list[NewTrade],
    ) -> None:
        clock.advance(days=3)
        self.archive(archiver, user, shelf, START + DAY)
        assert trading.deposit(user.id, "USDT", Decimal(1000), "all").outcome is Outcome.DUPLICATE
        assert trading.deposit(user.id, "USDT", Decimal(5), "late", START).outcome is Outcome.APPLIED
        clock.advance(days=3)
        self.archive(archiver, user, shelf, START + 5 * DAY)
        assert trading.deposit(user.id, "USDT", Decimal(5), "late", START).outcome is Outcome.DUPLICATE

    def test_what_an_account_snapshot_may_look_at_stays(
        self,
        storage: Storage,
        clock: ManualClock,
        trading: TradingService,
        archiver: Archiver,
        shelf: Shelf,
        user: User,
        bought: list[NewTrade],
    ) -> None:
        clock.advance(days=3)
        assert trading.sync_account(user.id, snapshot(START + timedelta(minutes=30), BTC="0.02")).outcome == "APPLIED"
        assert self.archive(archiver, user, shelf, START + 2 * DAY) == []
        assert storage.users.get(user.id).archived_until == START + timedelta(minutes=30)
        assert trading.sync_account(user.id, snapshot(START + 2 * DAY, BTC="0.02")).outcome == "APPLIED"
        assert self.archive(archiver, user, shelf, START + DAY)

    def test_the_first_account_snapshot_is_not_older_than_what_was_taken_out(
        self,
        storage: Storage,
        clock: ManualClock,
        trading: TradingService,
        archiver: Archiver,
        shelf: Shelf,
        user: User,
        bought: list[NewTrade],
    ) -> None:
        clock.advance(days=3)
        self.archive(archiver, user, shelf, START + DAY)
        result = trading.sync_account(user.id, snapshot(START - DAY, USDT=1000))
        assert (result.outcome, result.reason) == (Outcome.STALE, "facts of after it are archived")
        assert trading.sync_account(user.id, snapshot(START + DAY, BTC="0.02")).outcome is Outcome.APPLIED

    def test_with_a_feed_the_checkpoints_are_events(
        self, storage: Storage, runner: Runner, clock: ManualClock, shelf: Shelf, user: User, bought: list[NewTrade]
    ) -> None:
        clock.advance(days=3)
        self.archive(runner.service("Archiver", storage, feed="archived"), user, shelf, START + DAY)
        changes = [parse_feed_event(event) for event in storage.outbox.claim(["archived"]).events]
        balances = {balance.asset: balance for balance in storage.balances.list(user.id)}
        assert {row.balance.asset: row.balance for row in changes if isinstance(row, BalanceChanged)} == balances
        reasons = [entry.reason for row in changes if isinstance(row, BalanceChanged) for entry in row.entries]
        assert reasons == [EntryReason.CHECKPOINT] * len(balances)
