"""The contract of the lists over all users, which are for operators."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from metacore.domain.people.users import User
from metacore.domain.trading.balances import EntryReason
from metacore.domain.trading.orders import OrderStatus
from metacore.domain.trading.trades import TradeState
from metacore.domain.values.pages import Page
from metacore.errors import InvalidDataError
from metacore.sync.storage.storage import Storage
from metacore.testing.cases import each_case
from metacore.testing.clock import START, ManualClock
from metacore.testing.contract.base import Contract
from metacore.testing.contract.trades import stored_as
from metacore.testing.factories import BalanceDeltaFactory, NewOrderFactory, NewTradeFactory, NewUserFactory

LISTS: dict[str, tuple[Callable[..., Page[Any]], Callable[[Storage], Iterator[Any]], Callable[[Any], bool]]] = {
    "trades.pending": (
        lambda storage, *page: storage.trades.pending(*page),
        lambda storage: storage.trades.stream_pending(),
        lambda row: row.state is TradeState.PENDING,
    ),
    "orders.in_status NEW": (
        lambda storage, *page: storage.orders.in_status(OrderStatus.NEW, *page),
        lambda storage: storage.orders.stream_in_status(OrderStatus.NEW),
        lambda row: row.status is OrderStatus.NEW,
    ),
    "orders.in_status FILLED": (
        lambda storage, *page: storage.orders.in_status(OrderStatus.FILLED, *page),
        lambda storage: storage.orders.stream_in_status(OrderStatus.FILLED),
        lambda row: row.status is OrderStatus.FILLED,
    ),
    "balances.unexplained": (
        lambda storage, *page: storage.balances.unexplained(*page),
        lambda storage: storage.balances.stream_unexplained(),
        lambda row: row.unexplained != 0,
    ),
}


class OperatorListContract(Contract):
    """Of `TradeStorage.pending`, `OrderStorage.in_status` and `BalanceStorage.unexplained`, and their streams."""

    @pytest.fixture
    def rows(self, storage: Storage, clock: ManualClock) -> dict[str, Sequence[Any]]:
        """All rows of some users, in the order of the lists."""
        users = sorted((storage.users.create(NewUserFactory.build()) for _ in range(3)), key=lambda user: user.id)
        found: dict[str, list[Any]] = {"trades": [], "orders": [], "balances": []}
        for user in users:
            self.store(storage, clock, user)
            trades = storage.trades.list(user.id).items
            found["trades"] += sorted(trades, key=lambda trade: (trade.traded_at, trade.id))
            found["orders"] += storage.orders.list(user.id).items
            found["balances"] += storage.balances.list(user.id)
        return {name: tuple(row for row in found[name.partition(".")[0]] if LISTS[name][2](row)) for name in LISTS}

    def store(self, storage: Storage, clock: ManualClock, user: User) -> None:
        for n, status in enumerate(("NEW", "FILLED", "NEW", "CANCELED", "FILLED", "PENDING_CANCEL", "NEW")):
            clock.advance(seconds=(3, 0, -7)[n % 3])
            storage.orders.create(NewOrderFactory.build(user_id=user.id, status=status))
            traded_at = START + timedelta(seconds=(n * 7) % 5)
            stored_as(storage, NewTradeFactory.build(user_id=user.id, traded_at=traded_at), list(TradeState)[n % 3])
        for asset, unexplained in (("USDT", "1"), ("BTC", "0"), ("btd", "-1"), ("Ä", "2")):
            delta = {"user_id": user.id, "asset": asset, "delta_free": Decimal(5)}
            by_snapshot = {"reason": EntryReason.SNAPSHOT, "delta_unexplained": Decimal(unexplained)}
            storage.balances.apply([BalanceDeltaFactory.build(**delta, **by_snapshot)])

    @each_case("name", list(LISTS))
    def test_pages_in_turn_hold_the_rows_of_all_users_in_order(
        self, storage: Storage, rows: dict[str, Sequence[Any]], name: str
    ) -> None:
        read, stream, _ = LISTS[name]
        assert len({row.user_id for row in rows[name]}) == 3
        assert tuple(stream(storage)) == rows[name]
        for limit in (1, 2, 100):
            found, after = list[Any](), None
            while True:
                page = read(storage, after, limit)
                found += page.items
                if (after := page.next) is None:
                    break
            assert tuple(found) == rows[name]

    @each_case("name", list(LISTS))
    def test_a_wrong_limit_and_the_cursor_of_another_list_are_refused(
        self, storage: Storage, rows: dict[str, Sequence[Any]], name: str
    ) -> None:
        read = LISTS[name][0]
        cursors = [LISTS[other][0](storage, None, 1).next for other in LISTS if other != name]
        for field, page in (("limit", (None, 0)), *(("after", (cursor,)) for cursor in cursors)):
            with pytest.raises(InvalidDataError) as caught:
                read(storage, *page)
            assert caught.value.field == field

    def test_a_status_that_is_none_is_refused(self, storage: Storage) -> None:
        status: Any
        for status in ("new", None, 5):
            with pytest.raises(InvalidDataError) as caught:
                storage.orders.in_status(status)
            assert caught.value.field == "status"
        assert storage.orders.in_status("NEW") == Page(())  # type: ignore[arg-type]
