"""The contract of the journal of balances, and of their audit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from metacore.domain.people.users import User
from metacore.domain.trading.audit import AuditRule
from metacore.domain.trading.balances import EntryFilter, EntryReason
from metacore.domain.trading.decisions import Changes
from metacore.domain.trading.trades import TradeState
from metacore.domain.values.pages import Page
from metacore.errors import NotFoundError
from metacore.sync.storage.storage import Storage
from metacore.testing.cases import each_case
from metacore.testing.clock import START
from metacore.testing.contract.balances import ATTO, ONE, account
from metacore.testing.contract.base import Contract
from metacore.testing.contract.samples import EDGE_AMOUNTS, NOBODY
from metacore.testing.contract.storage_paging import PagedListContract
from metacore.testing.contract.trades import stored_as
from metacore.testing.factories import BalanceDeltaFactory, NewOrderFactory, NewTradeFactory


class JournalContract(PagedListContract):
    """Of `BalanceStorage.entries`."""

    def insert(self, storage: Storage, user: User, count: int) -> None:
        for n in range(count):
            storage.balances.apply([BalanceDeltaFactory.build(user_id=user.id, asset=("USDT", "BTC", "ETH")[n % 3])])

    def read(self, storage: Storage, user: User, after: Any = None, limit: Any = 100) -> Page[Any]:
        return storage.balances.entries(user.id, after=after, limit=limit)

    def stream(self, storage: Storage, user: User) -> Iterator[Any]:
        return storage.balances.stream_entries(user.id)

    def read_otherwise(self, storage: Storage, user: User, other: User) -> Iterator[Page[Any]]:
        yield storage.balances.entries(other.id, limit=1)
        self.insert(storage, user, 3)
        yield storage.balances.entries(user.id, "USDT", limit=1)
        yield storage.users.list(limit=1)

    def test_entries_come_oldest_first_by_asset_and_seq(self, storage: Storage, user: User, other: User) -> None:
        for asset in ("USDT", "BTC", "btd", "Ä", "USDT", "BTC", "USDT"):
            for owner in (user, other):
                storage.balances.apply([BalanceDeltaFactory.build(user_id=owner.id, asset=asset)])
        places = [(entry.asset, entry.seq) for entry in storage.balances.entries(user.id).items]
        expected = [("BTC", 1), ("BTC", 2), ("USDT", 1), ("USDT", 2), ("USDT", 3), ("btd", 1), ("Ä", 1)]
        assert places == expected

    def test_entries_are_of_one_asset_if_asked(self, storage: Storage, user: User) -> None:
        self.insert(storage, user, 7)
        everything = storage.balances.entries(user.id).items
        of_asset = tuple(entry for entry in everything if entry.asset == "USDT")
        assert storage.balances.entries(user.id, "USDT").items == of_asset
        assert tuple(storage.balances.stream_entries(user.id, "USDT")) == of_asset
        first = storage.balances.entries(user.id, "USDT", limit=2)
        assert first.items == of_asset[:2]
        assert storage.balances.entries(user.id, "USDT", after=first.next, limit=2) == Page(of_asset[2:])
        assert storage.balances.entries(user.id, "usdt").items == ()


class JournalByTimeContract(PagedListContract):
    """Of `BalanceStorage.journal`."""

    def insert(self, storage: Storage, user: User, count: int) -> None:
        for n in range(count):
            asset, time = ("USDT", "BTC", "ETH")[n % 3], START + timedelta(seconds=n // 4)
            storage.balances.apply([BalanceDeltaFactory.build(user_id=user.id, asset=asset, occurred_at=time)])

    def read(self, storage: Storage, user: User, after: Any = None, limit: Any = 100) -> Page[Any]:
        return storage.balances.journal(user.id, after=after, limit=limit)

    def stream(self, storage: Storage, user: User) -> Iterator[Any]:
        return storage.balances.stream_journal(user.id)

    def read_otherwise(self, storage: Storage, user: User, other: User) -> Iterator[Page[Any]]:
        self.insert(storage, user, 3)
        yield storage.balances.journal(user.id, EntryFilter(asset="USDT"), limit=1)
        yield storage.balances.entries(user.id, limit=1)

    def test_entries_come_newest_first_by_time_asset_and_seq(self, storage: Storage, user: User, other: User) -> None:
        for owner in (user, other):
            self.insert(storage, owner, 9)
        entries = storage.balances.journal(user.id).items
        assert {entry.user_id for entry in entries} == {user.id}
        assert len(entries) == 9
        assert list(entries) == sorted(entries, key=lambda entry: entry.position(), reverse=True)

    @each_case(
        "filter",
        [
            EntryFilter(asset="USDT"),
            EntryFilter(reason=EntryReason.HOLD),
            EntryFilter(since=START + timedelta(seconds=1)),
            EntryFilter(until=START + timedelta(seconds=2)),
            EntryFilter(
                asset="BTC",
                reason=EntryReason.DEPOSIT,
                since=START + timedelta(seconds=1),
                until=START + timedelta(seconds=2),
            ),
        ],
    )
    def test_entries_are_those_that_match_the_filter(self, storage: Storage, user: User, filter: EntryFilter) -> None:
        self.insert(storage, user, 12)
        held = BalanceDeltaFactory.build(user_id=user.id, asset="USDT", reason=EntryReason.HOLD, occurred_at=START)
        storage.balances.apply([held])
        everything = storage.balances.journal(user.id).items
        matching = tuple(entry for entry in everything if filter.matches(entry))
        assert 0 < len(matching) < len(everything)
        assert storage.balances.journal(user.id, filter).items == matching
        assert tuple(storage.balances.stream_journal(user.id, filter)) == matching
        first = storage.balances.journal(user.id, filter, limit=1)
        rest = storage.balances.journal(user.id, filter, after=first.next) if first.next else Page(())
        assert first.items + rest.items == matching


class AuditContract(Contract):
    """Of `BalanceStorage.audit`."""

    def test_it_finds_nothing_where_everything_agrees(self, storage: Storage, user: User) -> None:
        assert storage.balances.audit(user.id) == []
        storage.balances.put_all(user.id, account(USDT=EDGE_AMOUNTS[0], BTC=ATTO))
        storage.balances.apply([BalanceDeltaFactory.build(user_id=user.id, asset="BTC") for _ in range(30)])
        storage.balances.replace_all(user.id, account(ETH=ONE))
        assert storage.balances.audit(user.id) == []

    def test_it_finds_what_is_locked_without_a_hold(self, storage: Storage, user: User, other: User) -> None:
        storage.balances.put(user.id, "USDT", ONE, Decimal(5))
        finding: Any
        (finding,) = storage.balances.audit(user.id)
        assert (finding.rule, finding.user_id, finding.asset) == (AuditRule.LOCKED_IS_HOLDS, user.id, "USDT")
        assert (finding.expected, finding.actual) == (0, 5)
        assert storage.balances.audit(other.id) == []

    def test_what_snapshots_left_unexplained_is_checked(self, storage: Storage, user: User) -> None:
        delta = {"user_id": user.id, "asset": "USDT", "delta_free": ONE, "delta_unexplained": ONE}
        storage.balances.apply([BalanceDeltaFactory.build(**delta, reason=EntryReason.SNAPSHOT)])
        assert storage.balances.get(user.id, "USDT").unexplained == ONE
        assert storage.balances.audit(user.id) == []
        storage.balances.apply([BalanceDeltaFactory.build(**delta, reason=EntryReason.ADJUSTMENT)])
        finding: Any
        (finding,) = storage.balances.audit(user.id)
        assert (finding.rule, finding.seq) == (AuditRule.UNEXPLAINED_IS_SNAPSHOTS, 2)
        assert (finding.expected, finding.actual) == (0, ONE)

    def test_it_counts_the_holds_of_all_orders(self, storage: Storage, user: User) -> None:
        storage.balances.put(user.id, "USDT", ONE, Decimal(5))
        for status, amount in (("NEW", 2), ("CANCELED", 4)):
            order = storage.orders.create(NewOrderFactory.build(user_id=user.id, status=status))
            changes = Changes(orders=(order.changed(held_asset="USDT", held_amount=Decimal(amount), version=2),))
            with storage.transaction() as tx:
                tx.save(changes)
        finding: Any
        (finding,) = storage.balances.audit(user.id)
        assert (finding.rule, finding.expected, finding.actual) == (AuditRule.LOCKED_IS_HOLDS, 6, 5)

    def test_it_finds_orders_whose_trades_disagree(self, storage: Storage, user: User) -> None:
        order = storage.orders.create(NewOrderFactory.build(user_id=user.id, executed_quantity=Decimal("0.01")))
        for state, quantity in ((TradeState.SETTLED, "0.015"), (TradeState.PENDING, "5"), (TradeState.RECORDED, "7")):
            stored_as(storage, NewTradeFactory.build(of=order, quantity=Decimal(quantity)), state)
        findings: dict[AuditRule, Any] = {finding.rule: finding for finding in storage.balances.audit(user.id)}
        assert findings.keys() == {AuditRule.SETTLED_IS_TRADES, AuditRule.EXECUTED_COVERS_SETTLED}
        settled, executed = findings[AuditRule.SETTLED_IS_TRADES], findings[AuditRule.EXECUTED_COVERS_SETTLED]
        assert (settled.order_id, settled.expected, settled.actual) == (order.id, Decimal("0.015"), 0)
        assert (executed.order_id, executed.expected, executed.actual) == (order.id, Decimal("0.015"), Decimal("0.01"))

    def test_it_reads_what_its_transaction_wrote(self, storage: Storage, user: User) -> None:
        with pytest.raises(KeyError), storage.transaction() as tx:
            tx.balances.put(user.id, "USDT", ONE, ONE)
            assert len(tx.balances.audit(user.id)) == 1
            assert storage.balances.audit(user.id) == []
            raise KeyError

    def test_of_a_user_that_does_not_exist_it_is_not_found(self, storage: Storage, user: User) -> None:
        with pytest.raises(NotFoundError) as caught:
            storage.balances.audit(NOBODY)
        assert (caught.value.entity, caught.value.key) == ("user", NOBODY)
