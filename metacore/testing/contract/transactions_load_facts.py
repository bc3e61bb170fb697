"""The contract of loading the facts that a snapshot is compared with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from metacore.domain.people.users import User, UserPatch
from metacore.domain.trading.balances import FACTS, EntryReason
from metacore.domain.trading.decisions import Changes, FactWindow
from metacore.domain.trading.trades import Trade, TradeState
from metacore.sync.storage.storage import Storage
from metacore.testing.clock import START
from metacore.testing.contract.transactions_load import LoadingContract, load
from metacore.testing.factories import BalanceDeltaFactory, NewOrderFactory, NewTradeFactory


class FactLoadContract(LoadingContract):
    """Of `Transaction.load`: what happened around a moment."""

    def test_facts_are_the_entries_that_tell_of_them_around_a_moment(
        self, storage: Storage, user: User, other: User
    ) -> None:
        times = [START + timedelta(seconds=seconds) for seconds in (-6, -5, 0, 5, 6)]
        deltas = [
            BalanceDeltaFactory.build(
                user_id=owner.id, asset=asset, occurred_at=time, reason=reason, reference=f"{time}"
            )
            for owner in (user, other)
            for time in times
            for asset, reason in (
                *(("A", EntryReason.DEPOSIT), ("B", EntryReason.TRADE), ("B", EntryReason.COMMISSION)),
                *(("A", EntryReason.SNAPSHOT), ("A", EntryReason.HOLD), ("A", EntryReason.ADJUSTMENT)),
            )
        ]
        storage.balances.apply(deltas)
        entries = storage.balances.entries(user.id, limit=1000).items
        facts = [entry for entry in entries if entry.reason in FACTS]
        users = frozenset({user.id})
        tolerance = timedelta(seconds=5)
        near = load(storage, users=users, facts=FactWindow(tolerance, around=START)).facts
        assert near == tuple(entry for entry in facts if abs(entry.occurred_at - START) <= tolerance)
        later = load(storage, users=users, facts=FactWindow(tolerance, around=START, later=True)).facts
        assert later == tuple(entry for entry in facts if entry.occurred_at >= START - tolerance)
        assert load(storage, users=users).facts == ()
        assert load(storage, users=users, facts=FactWindow(tolerance)).facts == ()

    def test_without_a_moment_facts_are_those_around_each_users_account_snapshot(
        self, storage: Storage, user: User, other: User
    ) -> None:
        for owner, moment in ((user, START), (other, START + timedelta(hours=1))):
            storage.users.update(owner.id, UserPatch(balances_as_of=moment))
            for time in (START, START + timedelta(hours=1)):
                delta = BalanceDeltaFactory.build(user_id=owner.id, asset="A", occurred_at=time)
                storage.balances.apply([delta])
        users = frozenset({user.id, other.id})
        facts = load(storage, users=users, facts=FactWindow(timedelta())).facts
        assert [(entry.user_id, entry.occurred_at) for entry in facts] == sorted(
            [(user.id, START), (other.id, START + timedelta(hours=1))]
        )

    @pytest.mark.parametrize("around", [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)])
    def test_facts_around_the_ends_of_time(self, storage: Storage, user: User, around: datetime) -> None:
        storage.balances.apply([BalanceDeltaFactory.build(user_id=user.id, occurred_at=around)])
        window = FactWindow(timedelta(days=1), around=around)
        assert len(load(storage, users=frozenset({user.id}), facts=window).facts) == 1

    def test_placements_tell_when_the_orders_of_settled_trades_were_placed(self, storage: Storage, user: User) -> None:
        placed_at = START - timedelta(days=1)
        stored = storage.orders.create(NewOrderFactory.build(user_id=user.id))
        placed = stored.changed(placed_at=placed_at, version=2)
        found = storage.orders.create(NewOrderFactory.build(user_id=user.id))
        gone = NewOrderFactory.build(user_id=user.id)
        trades = [
            Trade.created(NewTradeFactory.build(of=order, traded_at=traded_at), START, state)
            for order in (placed, found, gone)
            for traded_at, state in (
                (START, TradeState.SETTLED),
                (START, TradeState.PENDING),
                (START + timedelta(minutes=1), TradeState.SETTLED),
            )
        ]
        storage.run(lambda tx: tx.save(Changes(orders=(placed,), trades=tuple(trades))))
        window = FactWindow(timedelta(seconds=1), around=START)
        assert load(storage, users=frozenset({user.id}), facts=window).placements == {
            (user.id, trades[0].id): (True, placed_at),
            (user.id, trades[3].id): (True, None),
            (user.id, trades[6].id): (False, None),
        }
