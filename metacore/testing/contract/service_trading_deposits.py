"""The contract of the trading service: deposits and withdrawals."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from metacore.domain.people.users import User
from metacore.domain.trading.orders import Order
from metacore.domain.trading.reports import Outcome
from metacore.domain.trading.transfers import NewDeposit
from metacore.errors import (
    ConflictError,
    InsufficientFundsError,
    InvalidDataError,
    MetacoreError,
    NotFoundError,
)
from metacore.sync.services.trading import TradingService
from metacore.sync.storage.storage import Storage
from metacore.testing.cases import each_case
from metacore.testing.clock import START, ManualClock
from metacore.testing.contract.samples import HOSTILE_TEXTS, NOBODY, SPOILT_TEXTS
from metacore.testing.contract.service_trading import (
    TradingContract,
    money,
    new_order,
)
from metacore.testing.factories import NewUserFactory


class TradingDepositsContract(TradingContract):
    """Of `deposit`, `deposit_all` and `withdraw`."""

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

    def test_all_are_deposited_or_none_in_list_order(
        self, storage: Storage, trading: TradingService, clock: ManualClock, user: User, other: User
    ) -> None:
        def new(of: User, amount: int, reference: str, **values: Any) -> NewDeposit:
            fields = {"asset": "USDT", "amount": amount, "reference": reference, **values}
            return NewDeposit(user_id=of.id, **fields)

        trading.deposit(user.id, "USDT", Decimal(5), "known")
        now = clock.advance()
        deposits = [new(user, 1, "a", occurred_at=START), new(other, 2, "a"), new(user, 3, "b"), new(user, 1, "a")]
        refused: list[tuple[NewDeposit, type[MetacoreError]]] = [
            (new(user, 4, "known"), ConflictError),
            (new(user, 2, "a"), ConflictError),
            (new(user, 2, "c", occurred_at=now + timedelta(minutes=6)), InvalidDataError),
            (new(user, 2, "c").changed(user_id=NOBODY), NotFoundError),
        ]
        for broken, error in refused:
            with pytest.raises(error):
                trading.deposit_all([*deposits, broken])
            assert (money(storage, user), money(storage, other)) == ({"USDT": "5 / 0"}, {})
        results = trading.deposit_all([*deposits, new(user, 5, "known")])
        assert [f"{result.outcome} {result.balance.free}" for result in results] == [
            *("APPLIED 9", "APPLIED 2", "APPLIED 9", "DUPLICATE 9", "DUPLICATE 9")
        ]
        assert results[0].balance == storage.balances.get(user.id, "USDT")
        entries = storage.balances.entries(user.id).items[1:]
        assert [(row.reference, row.occurred_at) for row in entries] == [("a", START), ("b", now)]
        assert trading.deposit_all([]) == ()

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

    @each_case("text", HOSTILE_TEXTS)
    def test_texts_come_back_as_they_went_in(self, storage: Storage, trading: TradingService, text: str) -> None:
        user = storage.users.create(NewUserFactory.build())
        trading.deposit(user.id, "USDT", Decimal(1000), "all")
        order = trading.place_order(new_order(user))
        trading.deposit(user.id, text, Decimal(1), text)
        assert trading.deposit(user.id, text, Decimal(1), text).outcome is Outcome.DUPLICATE
        assert trading.cancel_order(user.id, order.id, text).reason == text
        assert storage.order_updates.list(user.id, order.id)[-1].reason == text
        assert not storage.balances.audit(user.id)

    @each_case("text", SPOILT_TEXTS)
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
