"""The contract of the trading service: deposits, withdrawals and account snapshots."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from metacore.domain.people.users import User
from metacore.domain.trading.orders import Order
from metacore.domain.trading.reports import Outcome
from metacore.errors import (
    ConflictError,
    InsufficientFundsError,
    InvalidDataError,
    MetacoreError,
    NotFoundError,
)
from metacore.sync.services.trading import TradingService
from metacore.sync.storage.storage import Storage
from metacore.testing.clock import START, ManualClock
from metacore.testing.contract.samples import HOSTILE_TEXTS, NOBODY, SPOILT_TEXTS
from metacore.testing.contract.service_trading import (
    TradingContract,
    fill,
    money,
    new_order,
    snapshot,
)


class TradingFundsContract(TradingContract):
    """Of `deposit`, `withdraw` and `sync_account`."""

    def test_a_deposit_and_a_withdrawal_count_once_for_each_reference(
        self, storage: Storage, trading: TradingService, clock: ManualClock, user: User
    ) -> None:
        first = trading.deposit(user.id, "USDT", Decimal(1000), "d", START - timedelta(days=1))
        assert (first.outcome, first.balance) == (Outcome.APPLIED, storage.balances.get(user.id, "USDT"))
        clock.advance()
        again = trading.deposit(user.id, "USDT", Decimal(1000), "d")
        assert (again.outcome, again.balance) == (Outcome.DUPLICATE, first.balance)
        assert trading.withdraw(user.id, "USDT", Decimal(300), "d").balance.free == 700
        entries = storage.balances.entries(user.id).items
        assert [(row.reason, row.occurred_at) for row in entries] == [
            ("DEPOSIT", START - timedelta(days=1)),
            ("WITHDRAWAL", clock.now),
        ]
        refused: list[tuple[Callable[[], Any], type[MetacoreError]]] = [
            (lambda: trading.deposit(user.id, "USDT", Decimal(1), "d"), ConflictError),
            (lambda: trading.withdraw(user.id, "BTC", Decimal(300), "d"), ConflictError),
            (lambda: trading.withdraw(user.id, "USDT", Decimal(701), "e"), InsufficientFundsError),
            (lambda: trading.deposit(user.id, "USDT", Decimal(0), "f"), InvalidDataError),
            (lambda: trading.deposit(user.id, "USDT", 1.5, "f"), InvalidDataError),  # type: ignore[arg-type]
            (lambda: trading.deposit(user.id, "USDT", Decimal(1), ""), InvalidDataError),
            (lambda: trading.deposit(NOBODY, "USDT", Decimal(1), "d"), NotFoundError),
        ]
        for call, kind in refused:
            with pytest.raises(kind):
                call()
        assert storage.balances.entries(user.id).items == entries

    def test_sync_account_takes_over_totals_and_flags(
        self, storage: Storage, trading: TradingService, clock: ManualClock, user: User, order: Order
    ) -> None:
        taken_at = clock.advance()
        trading.deposit(user.id, "MX", Decimal(1), "mx", START)
        told = snapshot(taken_at, USDT=1500, BTC=1).changed(can_withdraw=False)
        result = trading.sync_account(user.id, told)
        assert (result.outcome, list(result.balances)) == (Outcome.APPLIED, list(storage.balances.list(user.id)))
        assert money(storage, user) == {"BTC": "1 / 0", "USDT": "500 / 1000"}
        stored = storage.users.get(user.id)
        assert (stored.balances_as_of, stored.can_withdraw, stored.can_trade) == (taken_at, False, True)
        again = trading.sync_account(user.id, told.changed(can_withdraw=True))
        assert (again.outcome, again.balances) == (Outcome.STALE, result.balances)
        assert storage.users.get(user.id) == stored
        with pytest.raises(NotFoundError):
            trading.sync_account(NOBODY, told)

    def test_a_partial_snapshot_leaves_alone_what_it_does_not_list(
        self, storage: Storage, trading: TradingService, clock: ManualClock, user: User, order: Order
    ) -> None:
        trading.deposit(user.id, "MX", Decimal(1), "mx", START)
        told = snapshot(clock.advance(), MX=3)
        assert trading.sync_account(user.id, told.changed(is_partial=True)).outcome is Outcome.APPLIED
        assert money(storage, user) == {"MX": "3 / 0", "USDT": "0 / 1000"}
        assert storage.orders.get(user.id, order.id) == order
        trading.sync_account(user.id, told.changed(taken_at=clock.advance()))
        assert money(storage, user) == {"MX": "3 / 0"}

    def test_sync_account_is_stale_when_money_moved_after_it(
        self, storage: Storage, trading: TradingService, clock: ManualClock, user: User
    ) -> None:
        trading.deposit(user.id, "USDT", Decimal(1000), "later", START + timedelta(seconds=1))
        assert trading.sync_account(user.id, snapshot(START, USDT=1)).outcome is Outcome.STALE
        assert storage.users.get(user.id) == user

    def test_sync_account_cuts_holds_newest_order_first(
        self, storage: Storage, trading: TradingService, clock: ManualClock, user: User, order: Order
    ) -> None:
        trading.deposit(user.id, "USDT", Decimal(1000), "more")
        clock.advance()
        newer = trading.place_order(new_order(user))
        trading.sync_account(user.id, snapshot(clock.advance(), USDT="1200.5"))
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
        told = {"symbol": "TINYUSDT", "base_asset": "TINY", "quantity": total, "price": price}
        sold = trading.place_order(new_order(user, side="SELL", **told))
        assert sold.held_amount == total
        trade = fill(sold, quantity=total, price=price, traded_at=at)
        assert trade.money() == Decimal("144000.0000000000000000000000006").quantize(Decimal("1e-18"))
        assert trading.settle_trade(trade).outcome is Outcome.SETTLED
        assert money(storage, user) == {"USDT": "144010 / 0"}
        bought = trading.place_order(new_order(user, side="BUY", **told))
        assert bought.held_amount == Decimal("144000.000000000000000001")
        told_cost = Decimal("144000.0000000000000000000000006")
        trade = fill(bought, quantity=total, price=price, quote_quantity=told_cost, traded_at=at)
        assert trading.settle_trade(trade).outcome is Outcome.SETTLED
        assert money(storage, user) == {"TINY": f"{total} / 0", "USDT": f"{144010 - told_cost} / 0"}

    def test_what_no_balance_can_hold_is_refused_and_changes_nothing(
        self, storage: Storage, trading: TradingService, user: User
    ) -> None:
        most = Decimal("9" * 38)
        trading.deposit(user.id, "USDT", most, "most")
        before = storage.balances.list(user.id)
        with pytest.raises(InvalidDataError) as error:
            trading.deposit(user.id, "USDT", Decimal(1), "more")
        assert error.value.field == "amount"
        assert storage.balances.list(user.id) == before
        with pytest.raises(InsufficientFundsError) as short:
            trading.place_order(new_order(user, price=most, quantity=most))
        assert short.value.needed == Decimal(int(most) ** 2)

    @pytest.mark.parametrize("text", HOSTILE_TEXTS)
    def test_texts_come_back_as_they_went_in(
        self, storage: Storage, trading: TradingService, user: User, order: Order, text: str
    ) -> None:
        trading.deposit(user.id, text, Decimal(1), text)
        assert trading.deposit(user.id, text, Decimal(1), text).outcome is Outcome.DUPLICATE
        assert trading.cancel_order(user.id, order.id, text).reason == text
        assert storage.order_updates.list(user.id, order.id)[-1].reason == text

    @pytest.mark.parametrize("text", SPOILT_TEXTS)
    def test_texts_that_cannot_be_stored_are_invalid(
        self, storage: Storage, trading: TradingService, user: User, order: Order, text: str
    ) -> None:
        for call in (
            lambda: trading.deposit(user.id, text, Decimal(1), "d"),
            lambda: trading.withdraw(user.id, "USDT", Decimal(1), text),
            lambda: trading.cancel_order(user.id, order.id, text),
            lambda: trading.release_hold(user.id, order.id, text),
        ):
            with pytest.raises(InvalidDataError):
                call()
        assert storage.orders.get(user.id, order.id) == order
