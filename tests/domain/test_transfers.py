"""Deposits and withdrawals: once for each reference."""

from datetime import timedelta
from decimal import Decimal

import pytest
from pydantic import ValidationError

from metacore.domain.trading.balances import EntryReason
from metacore.domain.trading.transfers import Transfer
from metacore.errors import ConflictError, InsufficientFundsError, InvalidDataError


def test_a_deposit_is_free_and_a_withdrawal_is_gone(day):
    assert day.deposit("USDT", 1000, "d") == "APPLIED"
    assert day.withdraw("USDT", 300, "w") == "APPLIED"
    assert day.money() == {"USDT": "700 / 0"}
    assert [(entry.reason, entry.delta_free, entry.reference) for entry in day.entries] == [
        ("DEPOSIT", 1000, "d"),
        ("WITHDRAWAL", -300, "w"),
    ]


def test_the_same_reference_again_is_a_duplicate(day):
    for transfer in (day.deposit, day.withdraw):
        assert transfer("USDT", 1000, "r") == "APPLIED"
        before = day.state()
        assert transfer("USDT", Decimal("1000.00"), "r", day.wait()) == "DUPLICATE"
        assert day.state() == before


@pytest.mark.parametrize(("asset", "amount"), [("USDT", 1001), ("BTC", 1000)])
def test_the_same_reference_with_other_content_is_a_conflict(day, asset, amount):
    day.deposit("USDT", 1000, "r")
    before = day.state()
    with pytest.raises(ConflictError) as error:
        day.deposit(asset, amount, "r")
    assert error.value.conflicts == ("r",)
    assert day.state() == before


def test_a_withdrawal_takes_no_more_than_is_free(day):
    day.deposit("USDT", 1000)
    day.place(day.order(price=100, quantity=4))
    before = day.state()
    with pytest.raises(InsufficientFundsError) as error:
        day.withdraw("USDT", "600.000000000000000001")
    assert (error.value.needed, error.value.available) == (Decimal("600.000000000000000001"), 600)
    assert day.state() == before
    assert day.withdraw("USDT", 600) == "APPLIED"


@pytest.mark.parametrize("amount", [0, -1, "NaN", 1.5])
def test_an_amount_is_above_zero(day, amount):
    with pytest.raises(ValidationError):
        Transfer(
            user_id=day.order(price=1, quantity=1).user_id,
            asset="USDT",
            amount=amount,
            reference="r",
            reason=EntryReason.DEPOSIT,
            occurred_at=day.now,
        )


def test_more_than_can_be_stored_is_invalid(day):
    day.deposit("USDT", "99999999999999999999999999999999999999.999999999999999999999999999999999998")
    with pytest.raises(InvalidDataError) as error:
        day.deposit("USDT", "0.000000000000000000000000000000000002")
    assert error.value.field == "amount"
    assert day.deposit("USDT", "0.000000000000000000000000000000000001") == "APPLIED"


@pytest.mark.parametrize("before", [timedelta(0), timedelta(seconds=1)])
def test_what_a_snapshot_told_already_is_covered(day, before):
    moment = day.wait(10)
    day.sync({"USDT": 700})
    assert day.deposit("USDT", 1000, "d", moment - before) == "COVERED"
    assert day.withdraw("USDT", 3000, "w", moment - before) == "COVERED"
    assert day.money() == {"USDT": "700 / 0"}
    assert day.deposit("USDT", 1000, "d", moment - before) == "DUPLICATE"
    assert [(entry.reason, entry.delta_free) for entry in day.entries] == [
        ("SNAPSHOT", 700),
        ("DEPOSIT", 1000),
        ("SNAPSHOT", -1000),
        ("SNAPSHOT", 3000),
        ("WITHDRAWAL", -3000),
    ]


def test_what_happened_after_the_snapshot_moves_money(day):
    day.sync({"USDT": 700})
    assert day.deposit("USDT", 1000, at=day.wait()) == "APPLIED"
    assert day.money() == {"USDT": "1700 / 0"}
