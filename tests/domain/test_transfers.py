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


def test_what_a_snapshot_includes_already_is_covered(day):
    day.sync({"USDT": 700})
    moment = day.wait(60)
    day.wait(10)
    day.sync({"USDT": 1400})
    assert day.unexplained() == {"USDT": 700}
    assert day.deposit("USDT", 1000, "d", moment) == "COVERED"
    assert day.unexplained() == {"USDT": -300}
    assert day.withdraw("USDT", 300, "w", moment) == "COVERED"
    assert (day.money(), day.unexplained()) == ({"USDT": "1400 / 0"}, {})
    assert day.deposit("USDT", 1000, "d", moment) == "DUPLICATE"
    assert [(entry.reason, entry.delta_free, entry.delta_unexplained) for entry in day.entries] == [
        ("SNAPSHOT", 700, 0),
        ("SNAPSHOT", 700, 700),
        ("DEPOSIT", 1000, 0),
        ("SNAPSHOT", -1000, -1000),
        ("SNAPSHOT", 300, 300),
        ("WITHDRAWAL", -300, 0),
    ]


def test_a_fact_before_the_first_snapshot_explains_nothing(day):
    moment = day.now
    day.wait(60)
    day.sync({"USDT": 700})
    day.wait(60)
    day.sync({"USDT": 800})
    assert day.deposit("USDT", 700, at=moment) == "COVERED"
    assert (day.money(), day.unexplained()) == ({"USDT": "800 / 0"}, {"USDT": 100})


def test_what_happened_after_the_snapshot_moves_money(day):
    day.sync({"USDT": 700})
    assert day.deposit("USDT", 1000, at=day.wait(6)) == "APPLIED"
    assert (day.money(), day.unexplained()) == ({"USDT": "1700 / 0"}, {})


def test_a_transfer_of_the_future_is_refused(day):
    with pytest.raises(InvalidDataError) as error:
        day.deposit("USDT", 1, at=day.now + timedelta(minutes=6))
    assert error.value.field == "occurred_at"
    assert day.entries == []
