"""The contract of the ledger service where balances are written by others, near their limit, or near a snapshot."""

from __future__ import annotations

from decimal import Decimal

import pytest

from metacore.domain.people.users import User
from metacore.domain.values.amounts import WHOLE_DIGITS
from metacore.errors import InsufficientFundsError, InvalidDataError
from metacore.sync.services.ledger import LedgerService
from metacore.sync.services.trading import TradingService
from metacore.sync.storage.storage import Storage
from metacore.testing.clock import START, ManualClock
from metacore.testing.contract.service_ledger import UNIT, LedgerContract, amount_of
from metacore.testing.contract.service_trading import money, snapshot

MOST = 10**WHOLE_DIGITS - 1
"""Of one asset, in whole units."""


class ReservationLimitsContract(LedgerContract):
    """Of what `post`, `void` and `expire_due` do where the balances are not as these services left them."""

    def test_what_the_other_user_has_no_room_for_is_not_posted(
        self, storage: Storage, ledger: LedgerService, trading: TradingService, stock: User, buyer: User
    ) -> None:
        trading.deposit(buyer.id, UNIT, Decimal(MOST - 4), "most")
        made = ledger.reserve(amount_of(stock, 4))
        with pytest.raises(InvalidDataError) as caught:
            ledger.post(*made.key, to=buyer.id)
        assert caught.value.field == "amount"
        assert (storage.reservations.get(*made.key), money(storage, stock)) == (made, {UNIT: "6 / 4"})
        assert ledger.post(*made.key, Decimal(3), to=buyer.id).posted_amount == 3
        assert storage.balances.get(buyer.id, UNIT).free == MOST

    def test_a_post_that_the_snapshot_of_who_receives_it_knew_of_explains_it(
        self,
        storage: Storage,
        ledger: LedgerService,
        trading: TradingService,
        clock: ManualClock,
        stock: User,
        buyer: User,
    ) -> None:
        made = ledger.reserve(amount_of(stock, 4))
        for total in (1, 5):
            clock.advance(seconds=60)
            trading.sync_account(buyer.id, snapshot(clock.now, **{UNIT: total}))
        assert storage.balances.get(buyer.id, UNIT).unexplained == 4
        clock.advance(seconds=1)
        ledger.post(*made.key, to=buyer.id)
        assert (money(storage, stock), money(storage, buyer)) == ({UNIT: "6 / 0"}, {UNIT: "5 / 0"})
        assert storage.balances.get(buyer.id, UNIT).unexplained == 0
        assert not storage.balances.audit(buyer.id)

    def test_where_somebody_else_wrote_less_locked_no_more_than_that_is_free_again(
        self, storage: Storage, ledger: LedgerService, clock: ManualClock, stock: User
    ) -> None:
        voided, expired = (ledger.reserve(amount_of(stock, amount, expires_at=START)) for amount in (4, 3))
        storage.balances.put(stock.id, UNIT, Decimal(8), Decimal(2))
        assert ledger.void(*voided.key).held_amount == 0
        assert money(storage, stock) == {UNIT: "10 / 0"}
        clock.advance()
        assert ledger.expire_due() == 1
        assert (storage.reservations.get(*expired.key).state, money(storage, stock)) == ("EXPIRED", {UNIT: "10 / 0"})

    def test_where_somebody_else_wrote_less_locked_a_post_takes_the_rest_from_free(
        self, storage: Storage, ledger: LedgerService, stock: User
    ) -> None:
        first, second = (ledger.reserve(amount_of(stock, 4)) for _ in range(2))
        storage.balances.put(stock.id, UNIT, Decimal(5), Decimal(1))
        ledger.post(*first.key)
        assert money(storage, stock) == {UNIT: "2 / 0"}
        with pytest.raises(InsufficientFundsError) as caught:
            ledger.post(*second.key)
        assert (caught.value.needed, caught.value.available) == (Decimal(4), Decimal(2))
        ledger.void(*second.key)
        assert money(storage, stock) == {UNIT: "2 / 0"}
