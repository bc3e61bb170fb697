"""Sweepers that expire reservations, beside those who resolve them."""

from datetime import UTC, datetime
from decimal import Decimal
from threading import Event

from metacore.domain.trading.decisions import Selection
from metacore.sync import NewReservation, NewUser
from metacore.testing.loop_threads import PATIENCE


def test_a_sweeper_passes_by_what_somebody_else_is_about_to_resolve(open_storage, runner, server):
    with open_storage(lock_timeout=0.2) as storage:
        ledger = runner.service("LedgerService", storage)
        user_id = storage.users.create(NewUser()).id
        storage.balances.put(user_id, "USDT", Decimal(10), Decimal(0))
        due = {"user_id": user_id, "asset": "USDT", "amount": 4, "expires_at": datetime(2026, 1, 1, tzinfo=UTC)}
        first, second = (ledger.reserve(NewReservation(**due, reference=reference)) for reference in ("a", "b"))
        is_locked, is_swept = Event(), Event()

        def resolve() -> None:
            with storage.transaction() as tx:
                tx.load(Selection(reservations=(first.key,)))
                is_locked.set()
                assert is_swept.wait(PATIENCE)

        def sweep() -> int:
            assert is_locked.wait(PATIENCE)
            try:
                return ledger.expire_due()
            finally:
                is_swept.set()

        assert runner.together(resolve, sweep) == [None, 1]
        assert storage.reservations.get(*second.key).state == "EXPIRED"
        assert storage.reservations.get(*first.key).state == "PENDING"
        assert ledger.expire_due() == 1
