"""What a change of one balance keeps others from doing, in PostgreSQL, where writers do not take turns."""

from decimal import Decimal

from metacore import Settings
from metacore.sync import NewUser, connect


def test_setting_one_balance_leaves_the_others_free(metacore_database_url):
    with connect(metacore_database_url, settings=Settings(lock_timeout=0.2)) as storage:
        user = storage.users.create(NewUser())
        storage.balances.put(user.id, "BTC", Decimal(1), Decimal(0))
        storage.balances.put(user.id, "USDT", Decimal(1), Decimal(0))
        with storage.transaction() as tx:
            assert tx.balances.put(user.id, "BTC", Decimal(2), Decimal(0))
            assert storage.balances.put(user.id, "USDT", Decimal(2), Decimal(0))
        assert [balance.free for balance in storage.balances.list(user.id)] == [2, 2]
