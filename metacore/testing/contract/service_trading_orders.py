"""The contract of the trading service: its commands about orders."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from metacore.domain.people.users import User
from metacore.domain.trading.orders import Order, OrderStatus
from metacore.errors import (
    ConflictError,
    InsufficientFundsError,
    InvalidDataError,
    InvalidTransitionError,
    NotFoundError,
)
from metacore.sync.services.trading import TradingService
from metacore.sync.storage.storage import Storage
from metacore.testing.clock import START, ManualClock
from metacore.testing.contract.samples import NOBODY
from metacore.testing.contract.service_trading import (
    PRICE,
    SIZE,
    TradingContract,
    money,
    new_order,
    report,
)


class TradingOrderContract(TradingContract):
    """Of `place_order`, `place_orders`, `cancel_order` and `release_hold`."""

    def test_place_order_stores_the_order_its_hold_and_its_history(
        self, storage: Storage, trading: TradingService, user: User, order: Order
    ) -> None:
        assert storage.orders.get(user.id, order.id) == order
        assert order.status is OrderStatus.PENDING_NEW
        assert (order.held_asset, order.held_amount) == ("USDT", Decimal(1000))
        assert money(storage, user) == {"USDT": "0 / 1000"}
        (update,) = storage.order_updates.list(user.id, order.id)
        assert (update.seq, update.previous_status, update.status, update.occurred_at) == (
            1,
            None,
            "PENDING_NEW",
            START,
        )

    def test_the_error_names_the_id_of_a_wrong_type(self, trading: TradingService, user: User, order: Order) -> None:
        for wrong in (None, str(order.id), 7):
            calls: list[tuple[str, Callable[[Any], object]]] = [
                ("order_id", lambda wrong: trading.cancel_order(user.id, wrong)),
                ("order_id", lambda wrong: trading.reject_unknown(user.id, wrong)),
                ("order_id", lambda wrong: trading.release_hold(user.id, wrong, "gone")),
                ("user_id", lambda wrong: trading.cancel_order(wrong, order.id)),
                ("user_id", lambda wrong: trading.deposit(wrong, "USDT", Decimal(1), "once")),
                ("user_id", lambda wrong: trading.settle_pending(wrong)),
            ]
            for argument, call in calls:
                with pytest.raises(InvalidDataError) as caught:
                    call(wrong)
                assert caught.value.field == argument

    def test_place_order_raises_a_hold(self, storage: Storage, trading: TradingService, user: User) -> None:
        trading.deposit(user.id, "USDT", Decimal(1001), "all")
        assert trading.place_order(new_order(user), hold=Decimal(1001)).held_amount == 1001
        with pytest.raises(InvalidDataError, match="hold"):
            trading.place_order(new_order(user), hold=Decimal(-1))

    def test_place_order_again_gives_the_stored_order(
        self, storage: Storage, trading: TradingService, clock: ManualClock, user: User, order: Order
    ) -> None:
        clock.advance()
        trading.apply_report(report(order, "NEW"))
        stored = storage.orders.get(user.id, order.id)
        sent = new_order(user, client_order_id=order.client_order_id, exchange_order_id=order.exchange_order_id)
        assert sent.id != order.id
        assert trading.place_order(sent) == trading.place_order(sent.changed(id=order.id)) == stored
        with pytest.raises(ConflictError):
            trading.place_order(sent.changed(price=PRICE + 1))
        assert storage.orders.get(user.id, order.id) == stored

    def test_place_order_short_of_funds_stores_nothing(
        self, storage: Storage, trading: TradingService, user: User
    ) -> None:
        trading.deposit(user.id, "USDT", Decimal("999.999999999999999999"), "too little")
        with pytest.raises(InsufficientFundsError) as error:
            trading.place_order(new_order(user))
        assert (error.value.asset, error.value.needed) == ("USDT", Decimal(1000))
        assert storage.orders.list(user.id).items == ()

    def test_place_orders_places_all_or_none(self, storage: Storage, trading: TradingService, user: User) -> None:
        trading.deposit(user.id, "USDT", Decimal(2000), "two of three")
        orders = [new_order(user) for _ in range(3)]
        with pytest.raises(InsufficientFundsError):
            trading.place_orders(orders)
        assert storage.orders.list(user.id).items == ()
        placed = trading.place_orders([orders[1], orders[0], orders[1]])
        assert [order.id for order in placed] == [orders[1].id, orders[0].id, orders[1].id]
        assert money(storage, user) == {"USDT": "0 / 2000"}

    @pytest.mark.parametrize("side", ["BUY", "SELL"])
    def test_an_order_of_an_asset_that_the_user_has_by_another_name_is_refused(
        self, storage: Storage, trading: TradingService, user: User, side: str
    ) -> None:
        for asset in ("USDT", "btc"):
            trading.deposit(user.id, asset, Decimal(1000), asset)
        with pytest.raises(InvalidDataError, match="'BTC' is refused: the user has 'btc'") as error:
            trading.place_order(new_order(user, side=side))
        assert error.value.field == "asset"
        assert storage.orders.list(user.id).items == ()
        assert money(storage, user) == {"USDT": "1000 / 0", "btc": "1000 / 0"}
        trading.place_order(new_order(user, side=side, base_asset="btc"))

    def test_place_orders_is_all_or_none_for_each_user(
        self, storage: Storage, trading: TradingService, user: User, other: User
    ) -> None:
        first, last = sorted([user, other], key=lambda owner: owner.id)
        for owner in (first, last):
            trading.deposit(owner.id, "USDT", Decimal(2000), "two")
        orders = [new_order(owner) for owner in (last, first, last, first)]
        assert [order.id for order in trading.place_orders(orders)] == [order.id for order in orders]
        trading.deposit(first.id, "USDT", Decimal(1000), "one more")
        refused = [new_order(last), new_order(first)]
        with pytest.raises(InsufficientFundsError) as error:
            trading.place_orders(refused)
        assert error.value.user_id == last.id
        assert storage.orders.get(first.id, refused[1].id).held_amount == Decimal(1000)
        with pytest.raises(NotFoundError):
            storage.orders.get(last.id, refused[0].id)
        trading.deposit(last.id, "USDT", Decimal(1000), "one more")
        assert [order.id for order in trading.place_orders(refused)] == [order.id for order in refused]
        with pytest.raises(InsufficientFundsError):
            trading.place_orders([new_order(first), new_order(last)])
        assert money(storage, first) == money(storage, last) == {"USDT": "0 / 3000"}

    def test_cancel_order_keeps_the_hold_and_repeats(
        self, storage: Storage, trading: TradingService, user: User, order: Order
    ) -> None:
        cancelled = trading.cancel_order(user.id, order.id, "changed my mind")
        assert trading.cancel_order(user.id, order.id) == cancelled == storage.orders.get(user.id, order.id)
        assert cancelled.status is OrderStatus.PENDING_CANCEL
        assert (cancelled.held_amount, cancelled.version) == (Decimal(1000), 2)
        assert [update.reason for update in storage.order_updates.list(user.id, order.id)] == [None, "changed my mind"]
        trading.apply_report(report(order, "CANCELED", 0))
        with pytest.raises(InvalidTransitionError):
            trading.cancel_order(user.id, order.id)

    def test_release_hold_sets_free_what_is_held(
        self, storage: Storage, trading: TradingService, user: User, order: Order
    ) -> None:
        trading.apply_report(report(order, "CANCELED", SIZE / 2))
        assert money(storage, user) == {"USDT": "500 / 500"}
        with pytest.raises(InvalidDataError):
            trading.release_hold(user.id, order.id, None)  # type: ignore[arg-type]
        released = trading.release_hold(user.id, order.id, "never came")
        assert released == trading.release_hold(user.id, order.id, "again") == storage.orders.get(user.id, order.id)
        assert money(storage, user) == {"USDT": "1000 / 0"}

    def test_commands_about_no_order_find_none(
        self, trading: TradingService, user: User, other: User, order: Order
    ) -> None:
        for owner, order_id in ((user.id, NOBODY), (other.id, order.id), (NOBODY, order.id)):
            with pytest.raises(NotFoundError):
                trading.cancel_order(owner, order_id)
            with pytest.raises(NotFoundError):
                trading.release_hold(owner, order_id, "none")
