"""The contract of the trading service: account snapshots."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from metacore.domain.people.users import User
from metacore.domain.trading.balances import EntryFilter, EntryReason
from metacore.domain.trading.orders import Order
from metacore.domain.trading.reports import Outcome
from metacore.errors import (
    ConfigurationError,
    InvalidDataError,
    NotFoundError,
)
from metacore.sync.services.trading import TradingService
from metacore.sync.storage.storage import Storage
from metacore.testing.clock import START, ManualClock
from metacore.testing.contract.samples import NOBODY
from metacore.testing.contract.service_trading import (
    TradingContract,
    fill,
    money,
    new_order,
    report,
    snapshot,
)
from metacore.testing.runners import Runner


class TradingSnapshotsContract(TradingContract):
    """Of `sync_account`, and of facts that are dated close to a snapshot."""

    def test_sync_account_takes_over_totals_and_flags(
        self, storage: Storage, trading: TradingService, clock: ManualClock, user: User, order: Order
    ) -> None:
        taken_at = clock.advance(seconds=10)
        trading.deposit(user.id, "MX", Decimal(1), "mx", START)
        totals = snapshot(taken_at, USDT=1500, BTC=1).changed(can_withdraw=False)
        now = clock.advance()
        result = trading.sync_account(user.id, totals)
        assert (result.outcome, list(result.balances)) == (Outcome.APPLIED, list(storage.balances.list(user.id)))
        assert dict(result.differences) == {"BTC": 1, "MX": -1, "USDT": 500}
        assert money(storage, user) == {"BTC": "1 / 0", "USDT": "500 / 1000"}
        stored = storage.users.get(user.id)
        assert (stored.balances_as_of, stored.balances_since, stored.balances_synced_at) == (taken_at, taken_at, now)
        assert (stored.can_withdraw, stored.can_trade) == (False, True)
        again = trading.sync_account(user.id, totals.changed(can_withdraw=True))
        assert (again.outcome, again.balances) == (Outcome.STALE, result.balances)
        assert "not newer" in str(again.reason)
        assert storage.users.get(user.id) == stored
        with pytest.raises(NotFoundError):
            trading.sync_account(NOBODY, totals)

    def test_a_partial_snapshot_leaves_alone_what_it_does_not_list(
        self, storage: Storage, trading: TradingService, clock: ManualClock, user: User, order: Order
    ) -> None:
        trading.deposit(user.id, "MX", Decimal(1), "mx", START)
        totals = snapshot(clock.advance(seconds=10), MX=3)
        assert trading.sync_account(user.id, totals.changed(is_partial=True)).outcome is Outcome.APPLIED
        assert money(storage, user) == {"MX": "3 / 0", "USDT": "0 / 1000"}
        assert storage.orders.get(user.id, order.id) == order
        trading.sync_account(user.id, totals.changed(taken_at=clock.advance()))
        assert money(storage, user) == {"MX": "3 / 0"}

    def test_a_first_snapshot_that_differs_close_to_a_fact_is_stale(
        self, storage: Storage, trading: TradingService, user: User
    ) -> None:
        trading.deposit(user.id, "USDT", Decimal(1000), "later", START + timedelta(seconds=1))
        result = trading.sync_account(user.id, snapshot(START, USDT=1))
        assert result.outcome is Outcome.STALE
        assert "take another" in str(result.reason)
        assert storage.users.get(user.id) == user

    def test_what_a_snapshot_has_beyond_the_facts_is_unexplained_until_they_come(
        self, storage: Storage, trading: TradingService, clock: ManualClock, user: User
    ) -> None:
        trading.sync_account(user.id, snapshot(clock.now, USDT=1000))
        order = trading.place_order(new_order(user))
        assert order.placed_at == clock.now
        traded_at = clock.advance(seconds=60)
        totals = snapshot(clock.advance(seconds=10), USDT=500, BTC="0.01")
        assert dict(trading.sync_account(user.id, totals).differences) == {"BTC": Decimal("0.01"), "USDT": -500}
        unexplained = storage.balances.list(user.id, unexplained=True)
        assert [(row.asset, row.unexplained) for row in unexplained] == [("BTC", Decimal("0.01")), ("USDT", -500)]
        assert trading.settle_trade(fill(order, traded_at=traded_at)).outcome is Outcome.COVERED
        assert money(storage, user) == {"BTC": "0.01 / 0", "USDT": "500 / 0"}
        assert storage.balances.list(user.id, unexplained=True) == ()

    def test_a_fill_dated_in_whole_seconds_of_an_order_placed_after_the_snapshot_settles(
        self, storage: Storage, trading: TradingService, clock: ManualClock, user: User
    ) -> None:
        trading.sync_account(user.id, snapshot(START + timedelta(milliseconds=300), USDT=100))
        clock.advance(seconds=1)
        fields = {"symbol": "AUSDT", "base_asset": "A", "price": Decimal(10), "quantity": Decimal(1)}
        order = trading.place_order(new_order(user, **fields))
        answer = report(order, "NEW", occurred_at=START + timedelta(milliseconds=700))
        assert trading.apply_report(answer).outcome is Outcome.APPLIED
        trade = fill(order, quantity=Decimal(1), price=Decimal(10), traded_at=START)
        assert trading.settle_trade(trade).outcome is Outcome.SETTLED
        assert money(storage, user) == {"A": "1 / 0", "USDT": "90 / 0"}

    def test_facts_close_to_a_snapshot_change_sides_so_that_nothing_is_unexplained(
        self, storage: Storage, trading: TradingService, clock: ManualClock, user: User
    ) -> None:
        trading.sync_account(user.id, snapshot(clock.now, USDT=1000))
        moment = clock.advance(seconds=60)
        trading.deposit(user.id, "USDT", Decimal(70), "late", moment)
        result = trading.sync_account(user.id, snapshot(clock.advance(), USDT=1000))
        assert dict(result.differences) == {"USDT": -70}
        assert [(f"{row.total:f}", f"{row.unexplained:f}") for row in result.balances] == [("1070", "0")]
        assert storage.users.get(user.id).balances_contrary == ("DEPOSIT:late",)
        snapshots = storage.balances.journal(user.id, EntryFilter(reason=EntryReason.SNAPSHOT), limit=2).items
        assert [(entry.reference, f"{entry.delta_free:f}") for entry in snapshots] == [(None, "-70"), ("late", "70")]

    @pytest.mark.parametrize("tolerance", [timedelta(0), timedelta(minutes=1)])
    def test_the_tolerance_is_the_services(
        self, storage: Storage, runner: Runner, clock: ManualClock, user: User, tolerance: timedelta
    ) -> None:
        trading = runner.service("TradingService", storage, snapshot_tolerance=tolerance)
        trading.sync_account(user.id, snapshot(clock.now, USDT=1000))
        taken_at = clock.advance(minutes=2)
        trading.sync_account(user.id, snapshot(taken_at, USDT=1000))
        outcome = trading.deposit(user.id, "USDT", Decimal(1), "d", taken_at - timedelta(seconds=30)).outcome
        assert outcome is (Outcome.APPLIED if tolerance else Outcome.COVERED)

    @pytest.mark.parametrize("tolerance", [timedelta(-1), 5, None])
    def test_a_tolerance_that_is_none_is_refused(self, storage: Storage, runner: Runner, tolerance: object) -> None:
        for name in ("TradingService", "Reconciler"):
            with pytest.raises(ConfigurationError) as error:
                runner.service(name, storage, snapshot_tolerance=tolerance)
            assert error.value.setting == "snapshot_tolerance"

    def test_times_that_cannot_be_are_refused(
        self, storage: Storage, trading: TradingService, clock: ManualClock, user: User, order: Order
    ) -> None:
        at = clock.now + timedelta(minutes=5, microseconds=1)
        entries = storage.balances.entries(user.id).items
        for field, call in (
            ("taken_at", lambda: trading.sync_account(user.id, snapshot(at, USDT=1))),
            ("occurred_at", lambda: trading.deposit(user.id, "USDT", Decimal(1), "d", at)),
            ("occurred_at", lambda: trading.withdraw(user.id, "USDT", Decimal(1), "w", at)),
            ("traded_at", lambda: trading.settle_trade(fill(order, traded_at=at))),
            ("occurred_at", lambda: trading.apply_report(report(order, "NEW", occurred_at=at))),
        ):
            with pytest.raises(InvalidDataError) as error:
                call()
            assert error.value.field == field
        assert storage.balances.entries(user.id).items == entries
        assert storage.trades.list(user.id).items == ()
        assert storage.orders.get(user.id, order.id) == order

    def test_sync_account_cuts_holds_newest_order_first(
        self, storage: Storage, trading: TradingService, clock: ManualClock, user: User, order: Order
    ) -> None:
        trading.deposit(user.id, "USDT", Decimal(1000), "more")
        clock.advance()
        newer = trading.place_order(new_order(user))
        trading.sync_account(user.id, snapshot(clock.advance(seconds=10), USDT="1200.5"))
        held = [storage.orders.get(user.id, row.id) for row in (order, newer)]
        assert [(row.held_amount, row.version) for row in held] == [(1000, 1), (Decimal("200.5"), 2)]
        assert money(storage, user) == {"USDT": "0 / 1200.5"}

    def test_an_asset_of_thirty_digits_is_stored_and_traded_beside_the_usual(
        self, storage: Storage, trading: TradingService, clock: ManualClock, user: User
    ) -> None:
        total, price = Decimal("120000000000000000000000000000.5"), Decimal("0.0000000000000000000000012")
        trading.sync_account(user.id, snapshot(clock.advance(), USDT=10, TINY=total))
        assert money(storage, user) == {"TINY": f"{total} / 0", "USDT": "10 / 0"}
        at = clock.advance() + timedelta(minutes=1)
        fields = {"symbol": "TINYUSDT", "base_asset": "TINY", "quantity": total, "price": price}
        sold = trading.place_order(new_order(user, side="SELL", **fields))
        assert sold.held_amount == total
        trade = fill(sold, quantity=total, price=price, traded_at=at)
        assert trade.money() == Decimal("144000.0000000000000000000000006").quantize(Decimal("1e-18"))
        assert trading.settle_trade(trade).outcome is Outcome.SETTLED
        assert money(storage, user) == {"USDT": "144010 / 0"}
        bought = trading.place_order(new_order(user, side="BUY", **fields))
        assert bought.held_amount == Decimal("144000.000000000000000001")
        cost = Decimal("144000.0000000000000000000000006")
        trade = fill(bought, quantity=total, price=price, quote_quantity=cost, traded_at=at)
        assert trading.settle_trade(trade).outcome is Outcome.SETTLED
        assert money(storage, user) == {"TINY": f"{total} / 0", "USDT": f"{144010 - cost} / 0"}
