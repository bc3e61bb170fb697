"""The contract of the storage of archives."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from metacore.domain.people.users import User
from metacore.domain.trading.archiving import ArchivePart, History
from metacore.domain.trading.balances import BalanceEntry
from metacore.domain.trading.orders import Order
from metacore.domain.trading.trades import Trade
from metacore.errors import ConflictError, NotFoundError
from metacore.sync.storage.archives import ArchiveStorage
from metacore.sync.storage.storage import Storage
from metacore.testing.cases import each_case
from metacore.testing.clock import ManualClock
from metacore.testing.contract.base import Contract
from metacore.testing.contract.samples import NOBODY
from metacore.testing.factories import (
    BalanceDeltaFactory,
    NewOrderFactory,
    NewOrderUpdateFactory,
    NewTradeFactory,
)

OPERATIONS: dict[str, Callable[[ArchiveStorage], object]] = {
    "take": lambda archives: archives.take(History(user_id=NOBODY), "digest"),
    "list": lambda archives: archives.list(NOBODY),
}
"""Every operation, on what does not exist."""


class ArchiveStorageContract(Contract):
    """Of `metacore.storage.archives.ArchiveStorage`; its backend may delete from journals."""

    @pytest.fixture
    def history(self, storage: Storage, user: User, other: User) -> History:
        """Two orders with an update and a trade each, two trades without, two entries: all that the user has."""
        for owner in (other, user):
            orders = [storage.orders.create(NewOrderFactory.build(user_id=owner.id)) for _ in range(2)]
            updates = [storage.order_updates.append(NewOrderUpdateFactory.build(of=order)) for order in orders]
            trades = [storage.trades.create(NewTradeFactory.build(of=order)) for order in orders]
            trades += [storage.trades.create(NewTradeFactory.build(user_id=owner.id)) for _ in range(2)]
            delta = {"user_id": owner.id, "asset": "USDT", "delta_free": Decimal(1)}
            storage.balances.apply([BalanceDeltaFactory.build(**delta) for _ in range(2)])
        entries = storage.balances.entries(user.id).items
        return History(
            user_id=user.id,
            orders=tuple(orders),
            order_updates=tuple(updates),
            trades=tuple(trades),
            entries=entries,
        )

    def test_what_is_taken_is_gone_and_described_by_a_part(
        self, storage: Storage, clock: ManualClock, user: User, other: User, history: History
    ) -> None:
        now = clock.advance()
        part = storage.archives.take(history, "the digest")
        assert part == ArchivePart(
            user_id=user.id,
            number=1,
            digest="the digest",
            orders=2,
            order_updates=2,
            trades=4,
            entries=2,
            created_at=now,
        )
        assert storage.archives.list(user.id) == (part,)
        assert storage.orders.list(user.id).items == storage.trades.list(user.id).items == ()
        assert [storage.order_updates.list(*order.key) for order in history.orders] == [(), ()]
        assert storage.balances.entries(user.id).items == ()
        assert storage.balances.get(user.id, "USDT").free == 2
        assert len(storage.orders.list(other.id).items) == len(storage.balances.entries(other.id).items) == 2
        assert storage.archives.list(other.id) == ()

    def test_what_the_history_does_not_name_stays(self, storage: Storage, user: User, history: History) -> None:
        storage.archives.take(history.changed(orders=history.orders[:1], trades=(), entries=history.entries[:1]), "x")
        assert storage.orders.list(user.id).items == history.orders[1:]
        assert len(storage.trades.list(user.id).items) == 4
        assert storage.balances.entries(user.id).items == history.entries[1:]
        assert storage.order_updates.list(*history.orders[1].key) == history.order_updates[1:]

    def test_parts_are_numbered_without_gaps(self, storage: Storage, user: User, other: User, history: History) -> None:
        nothing = History(user_id=user.id)
        parts = [storage.archives.take(each, str(n)) for n, each in enumerate([nothing, history, nothing])]
        assert [part.number for part in parts] == [1, 2, 3]
        assert storage.archives.take(History(user_id=other.id), "x").number == 1
        assert storage.archives.list(user.id) == tuple(parts)
        assert storage.archives.list(user.id, after=1) == tuple(parts[1:])
        assert storage.archives.list(user.id, after=3) == storage.archives.list(NOBODY) == ()

    @each_case("kind", ["orders", "trades", "entries"])
    def test_what_is_not_there_is_a_conflict_and_nothing_goes(
        self, storage: Storage, user: User, history: History, kind: str
    ) -> None:
        rows: tuple[Order | Trade | BalanceEntry, ...] = getattr(history, kind)
        last = rows[-1]
        stranger = last.changed(seq=last.seq + 1) if isinstance(last, BalanceEntry) else last.changed(id=NOBODY)
        changed = [] if isinstance(last, BalanceEntry) else [last.changed(version=last.version + 1)]
        for wrong in (stranger, *changed):
            with pytest.raises(ConflictError) as caught:
                storage.archives.take(history.changed(**{kind: (*rows[:-1], wrong)}), "x")
            assert caught.value.conflicts == (f"1 {kind}",)
        assert storage.archives.list(user.id) == ()
        assert len(storage.orders.list(user.id).items) == len(storage.balances.entries(user.id).items) == 2
        assert len(storage.trades.list(user.id).items) == 4

    def test_of_a_user_that_does_not_exist_it_is_not_found(self, storage: Storage) -> None:
        with pytest.raises(NotFoundError) as caught:
            storage.archives.take(History(user_id=NOBODY), "x")
        assert (caught.value.entity, caught.value.key) == ("user", NOBODY)

    def test_in_a_transaction_it_goes_with_the_rest(self, storage: Storage, user: User, history: History) -> None:
        with pytest.raises(KeyError), storage.transaction() as tx:
            tx.archives.take(history, "x")
            assert tx.orders.list(user.id).items == ()
            assert len(tx.archives.list(user.id)) == 1
            raise KeyError
        assert storage.archives.list(user.id) == ()
        assert len(storage.orders.list(user.id).items) == 2
        with storage.transaction() as tx:
            tx.archives.take(history, "x")
        assert storage.orders.list(user.id).items == ()

    def test_parts_go_with_their_user(self, storage: Storage, user: User, history: History) -> None:
        storage.archives.take(history, "x")
        storage.users.delete(user.id)
        assert storage.archives.list(user.id) == ()
