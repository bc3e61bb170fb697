"""Two transactions of one user, interleaved by hand: what the one must wait for, and what it then sees."""

from datetime import UTC, datetime
from decimal import Decimal
from threading import Event

import pytest

from metacore.sync import AccountBalance, AccountSnapshot, NewUser
from metacore.testing.factories import NewOrderFactory, NewTradeFactory
from metacore.testing.loop_threads import PATIENCE

THOUSAND = Decimal(1000)


@pytest.mark.parametrize("is_queued", [True, False], ids=["queued", "row lock alone"])
def test_an_account_snapshot_sees_the_placement_that_it_waited_for(open_storage, runner, server, is_queued):
    with open_storage(lock_timeout=60) as storage:
        trading = runner.service("TradingService", storage)
        user_id, other_id = (storage.users.create(NewUser()).id for _ in range(2))
        trading.deposit(user_id, "USDT", THOUSAND, reference="opening")
        is_placed = Event()

        def place() -> Decimal:
            with storage.transaction() as tx:
                if not is_queued:
                    tx.balances.put(other_id, "USDT", THOUSAND, Decimal(0))
                order = NewOrderFactory.build(user_id=user_id)
                placed = runner.service("TradingService", tx).place_order(order)
                is_placed.set()
                server.wait_until_waiting(1)
                return placed.held_amount

        def sync() -> tuple[Decimal, Decimal]:
            assert is_placed.wait(PATIENCE)
            balances = (AccountBalance(asset="USDT", free=THOUSAND, locked=Decimal(0)),)
            result = trading.sync_account(user_id, AccountSnapshot(taken_at=datetime.now(UTC), balances=balances))
            (balance,) = result.balances
            return balance.free, balance.locked

        held, split = runner.together(place, sync)
        assert held > 0
        assert split == (THOUSAND - held, held)
        assert not storage.balances.audit(user_id)


def test_two_who_name_the_order_of_one_waiting_trade_both_come_through(open_storage, runner, server):
    with open_storage(lock_timeout=60) as storage:
        trading = runner.service("TradingService", storage)
        user_id = storage.users.create(NewUser()).id
        trade = NewTradeFactory.build(user_id=user_id, exchange_order_id=None, client_order_id="ours")
        assert trading.settle_trade(trade).outcome == "UNKNOWN_ORDER"
        is_stored = Event()

        def tell_first() -> str:
            with storage.transaction() as tx:
                named = trade.changed(exchange_order_id="theirs", client_order_id=None)
                outcome = runner.service("TradingService", tx).settle_trade(named).outcome
                is_stored.set()
                server.wait_until_waiting(1)
                return outcome

        def tell_second() -> str:
            assert is_stored.wait(PATIENCE)
            named = trade.changed(order_id=trade.id, client_order_id=None)
            return trading.settle_trade(named).outcome

        assert runner.together(tell_first, tell_second) == ["UNKNOWN_ORDER", "UNKNOWN_ORDER"]
        (stored,) = storage.trades.list_pending(user_id)
        assert (stored.order_id, stored.exchange_order_id, stored.client_order_id) == (trade.id, "theirs", "ours")
        assert stored.version == 3
