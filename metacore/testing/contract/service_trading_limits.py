"""The contract of the trading service: amounts as large as there are, and what two of them add up to."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from metacore.domain.people.users import User
from metacore.domain.trading.audit import AuditRule
from metacore.domain.trading.decisions import Changes
from metacore.domain.trading.orders import Order
from metacore.domain.trading.reports import Outcome
from metacore.domain.values.amounts import product, total
from metacore.errors import InsufficientFundsError, InvalidDataError
from metacore.sync.services.trading import TradingService
from metacore.sync.storage.storage import Storage
from metacore.testing.clock import START, ManualClock
from metacore.testing.contract.samples import EDGE_AMOUNTS
from metacore.testing.contract.service_trading import TradingContract, fill, money, new_order, report, snapshot

MOST = EDGE_AMOUNTS[0]
NINES = Decimal("9" * 38)
TWICE = total((MOST, MOST))
AGO = START - timedelta(hours=1)


class TradingLimitsContract(TradingContract):
    """Results and errors hold what amounts add up to; what cannot be stored is refused by itself."""

    def test_differences_of_a_snapshot_have_more_digits_than_an_amount(
        self, storage: Storage, trading: TradingService, clock: ManualClock, user: User
    ) -> None:
        later = START + timedelta(minutes=4)
        trading.deposit(user.id, "USDT", MOST, "one", AGO)
        trading.withdraw(user.id, "USDT", MOST, "later", later)
        trading.deposit(user.id, "USDT", MOST, "two", AGO)
        result = trading.sync_account(user.id, snapshot(START))
        assert (result.outcome, dict(result.differences)) == (Outcome.APPLIED, {"USDT": TWICE.copy_negate()})
        assert f'"USDT":"-{TWICE:f}"' in result.model_dump_json()
        assert money(storage, user) == {}

    def test_a_snapshot_that_comes_to_more_than_a_balance_holds_is_refused(
        self, storage: Storage, trading: TradingService, user: User
    ) -> None:
        trading.deposit(user.id, "USDT", MOST, "later", START + timedelta(minutes=4))
        trading.withdraw(user.id, "USDT", MOST, "one", AGO)
        before = storage.users.get(user.id), storage.balances.list(user.id)
        with pytest.raises(InvalidDataError) as error:
            trading.sync_account(user.id, snapshot(START, USDT=MOST))
        assert error.value.field == "balances"
        assert (storage.users.get(user.id), storage.balances.list(user.id)) == before

    def test_what_is_unexplained_has_an_end(
        self, storage: Storage, trading: TradingService, clock: ManualClock, user: User
    ) -> None:
        trading.sync_account(user.id, snapshot(AGO))
        trading.sync_account(user.id, snapshot(START))
        between = AGO + timedelta(minutes=30)
        assert trading.deposit(user.id, "USDT", MOST, "one", between).outcome is Outcome.COVERED
        with pytest.raises(InvalidDataError) as error:
            trading.deposit(user.id, "USDT", MOST, "two", between)
        assert error.value.field == "amount"
        assert storage.balances.get(user.id, "USDT").unexplained == MOST.copy_negate()
        order = storage.orders.create(new_order(user))
        fields = {"quote_quantity": Decimal(0), "traded_at": between}
        wrong = fill(order, commission=MOST.copy_negate(), commission_asset="USDT", **fields)
        results = trading.settle_trades([wrong, fill(order, **fields)])
        assert [row.outcome for row in results] == [Outcome.INVALID, Outcome.COVERED]

    def test_a_credit_and_its_rebate_do_not_take_the_batch_along(
        self, storage: Storage, trading: TradingService, user: User, order: Order
    ) -> None:
        trading.deposit(user.id, "BTC", total((NINES, Decimal("-0.01"))), "most")
        rebated = fill(order, commission=Decimal("-1"), commission_asset="BTC", quote_quantity=Decimal(1))
        wrong, good = trading.settle_trades([rebated, fill(order, quote_quantity=Decimal(1))])
        assert (wrong.outcome, good.outcome) == (Outcome.INVALID, Outcome.SETTLED)
        assert isinstance(wrong.error, InvalidDataError)
        assert wrong.error.field == "quantity"
        assert storage.balances.get(user.id, "BTC").free == NINES

    def test_a_shortfall_is_as_large_as_a_cost_and_its_commission(
        self, storage: Storage, trading: TradingService, user: User, order: Order
    ) -> None:
        other = storage.orders.create(new_order(user))
        huge = fill(other, quote_quantity=MOST, commission=MOST, commission_asset="USDT")
        waiting, settled = trading.settle_trades([huge, fill(order)])
        assert (waiting.outcome, settled.outcome) == (Outcome.PENDING, Outcome.SETTLED)
        (missing,) = waiting.missing
        assert (missing.asset, missing.amount) == ("USDT", TWICE)
        assert f"{missing.amount:f}" in waiting.model_dump_json()

    def test_more_executed_than_can_be_stored_is_refused_by_itself(
        self, storage: Storage, trading: TradingService, user: User, order: Order
    ) -> None:
        other = storage.orders.create(new_order(user, symbol="AUSDT", base_asset="A"))
        half = fill(other, quantity=MOST, quote_quantity=Decimal(0))
        trades = [half, fill(other, quantity=MOST, quote_quantity=Decimal(0)), fill(order)]
        results = trading.settle_trades(trades)
        assert [row.outcome for row in results] == [Outcome.SETTLED, Outcome.INVALID, Outcome.SETTLED]
        storage.trades.create(fill(other, quantity=MOST, quote_quantity=Decimal(0)))
        reports = [report(other, "CANCELED"), report(order, "CANCELED")]
        assert [row.outcome for row in trading.apply_reports(reports)] == [Outcome.INVALID, Outcome.APPLIED]

    def test_what_an_order_needs_is_a_product_of_amounts(
        self, storage: Storage, trading: TradingService, user: User, order: Order
    ) -> None:
        huge = new_order(user, price=MOST, quantity=MOST)
        for call in (lambda: trading.place_order(huge), lambda: trading.place_orders([new_order(user), huge])):
            trading.deposit(user.id, "USDT", Decimal(1000), f"more {len(storage.balances.entries(user.id).items)}")
            with pytest.raises(InsufficientFundsError) as short:
                call()
            assert short.value.needed > product(NINES, NINES)
            assert f"{short.value.needed:f}" in str(short.value)
        assert storage.orders.list(user.id).items == (order,)

    def test_an_audit_finds_sums(self, storage: Storage, trading: TradingService, user: User) -> None:
        held = [storage.orders.create(new_order(user)) for _ in range(2)]
        odd = tuple(order.changed(held_asset="USDT", held_amount=MOST, version=2) for order in held)
        with storage.transaction() as tx:
            for order in odd:
                tx.save(Changes(orders=(order,)))
        (finding,) = storage.balances.audit(user.id)
        assert (finding.rule, finding.expected, finding.actual) == (AuditRule.LOCKED_IS_HOLDS, TWICE, Decimal(0))
        assert f"{TWICE:f}" in finding.model_dump_json()
        for order in odd:
            trading.release_hold(user.id, order.id, "odd")
