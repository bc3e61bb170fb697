"""What a change of one balance keeps others from doing, in PostgreSQL, where writers do not take turns."""

from datetime import UTC, datetime
from decimal import Decimal

from metacore import Settings
from metacore.domain.trading.decisions import Selection
from metacore.sync import LedgerService, NewReservation, NewUser, TradingService, connect

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def test_setting_one_balance_leaves_the_others_free(metacore_database_url):
    with connect(metacore_database_url, settings=Settings(lock_timeout=0.2)) as storage:
        user = storage.users.create(NewUser())
        storage.balances.put(user.id, "BTC", Decimal(1), Decimal(0))
        storage.balances.put(user.id, "USDT", Decimal(1), Decimal(0))
        with storage.transaction() as tx:
            assert tx.balances.put(user.id, "BTC", Decimal(2), Decimal(0))
            assert storage.balances.put(user.id, "USDT", Decimal(2), Decimal(0))
        assert [balance.free for balance in storage.balances.list(user.id)] == [2, 2]


def test_a_sweeper_passes_by_what_somebody_else_is_resolving(metacore_database_url):
    with connect(metacore_database_url, settings=Settings(lock_timeout=0.2)) as storage:
        user = storage.users.create(NewUser())
        TradingService(storage).deposit(user.id, "SHIRT", Decimal(2), "stock")
        ledger = LedgerService(storage)
        new = {"user_id": user.id, "asset": "SHIRT", "amount": 1, "expires_at": LONG_AGO}
        first, second = ledger.reserve_all([NewReservation(**new, reference=each) for each in ("first", "second")])
        with storage.transaction() as tx:
            tx.load(Selection(reservations=(first.key,)))
            assert ledger.expire_due() == 1
        assert storage.reservations.get(*second.key).state == "EXPIRED"
        assert storage.reservations.get(*first.key).is_pending
        assert ledger.expire_due() == 1
