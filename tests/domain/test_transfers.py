"""Deposits and withdrawals: once for each reference."""

from datetime import timedelta
from decimal import Decimal

import pytest
from pydantic import ValidationError

from metacore.domain.trading.balances import EntryReason
from metacore.domain.trading.transfers import Transfer
from metacore.errors import ConflictError, InsufficientFundsError, InvalidDataError


def test_a_deposit_is_free_and_a_withdrawal_is_gone(desk):
    assert desk.deposit("USDT", 1000, "d") == "APPLIED"
    assert desk.withdraw("USDT", 300, "w") == "APPLIED"
    assert desk.money() == {"USDT": "700 / 0"}
    assert [(entry.reason, entry.delta_free, entry.reference) for entry in desk.entries] == [
        ("DEPOSIT", 1000, "d"),
        ("WITHDRAWAL", -300, "w"),
    ]


def test_the_same_reference_again_is_a_duplicate(desk):
    for transfer in (desk.deposit, desk.withdraw):
        assert transfer("USDT", 1000, "r") == "APPLIED"
        before = desk.state()
        assert transfer("USDT", Decimal("1000.00"), "r", desk.wait()) == "DUPLICATE"
        assert desk.state() == before


@pytest.mark.parametrize(("asset", "amount"), [("USDT", 1001), ("BTC", 1000)])
def test_the_same_reference_with_other_content_is_a_conflict(desk, asset, amount):
    desk.deposit("USDT", 1000, "r")
    before = desk.state()
    with pytest.raises(ConflictError) as error:
        desk.deposit(asset, amount, "r")
    assert error.value.conflicts == ("r",)
    assert desk.state() == before


def test_a_withdrawal_takes_no_more_than_is_free(desk):
    desk.deposit("USDT", 1000)
    desk.place(desk.order(price=100, quantity=4))
    before = desk.state()
    with pytest.raises(InsufficientFundsError) as error:
        desk.withdraw("USDT", "600.000000000000000001")
    assert (error.value.needed, error.value.available) == (Decimal("600.000000000000000001"), 600)
    assert desk.state() == before
    assert desk.withdraw("USDT", 600) == "APPLIED"


@pytest.mark.parametrize("amount", [0, -1, "NaN", 1.5])
def test_an_amount_is_above_zero(desk, amount):
    with pytest.raises(ValidationError):
        Transfer(
            user_id=desk.order(price=1, quantity=1).user_id,
            asset="USDT",
            amount=amount,
            reference="r",
            reason=EntryReason.DEPOSIT,
            occurred_at=desk.now,
        )


def test_more_than_can_be_stored_is_invalid(desk):
    desk.deposit("USDT", "99999999999999999999.999999999999999998")
    with pytest.raises(InvalidDataError) as error:
        desk.deposit("USDT", "0.000000000000000002")
    assert error.value.field == "amount"
    assert desk.deposit("USDT", "0.000000000000000001") == "APPLIED"


@pytest.mark.parametrize("before", [timedelta(0), timedelta(seconds=1)])
def test_what_a_snapshot_told_already_is_covered(desk, before):
    moment = desk.wait(10)
    desk.sync({"USDT": 700})
    assert desk.deposit("USDT", 1000, "d", moment - before) == "COVERED"
    assert desk.withdraw("USDT", 3000, "w", moment - before) == "COVERED"
    assert desk.money() == {"USDT": "700 / 0"}
    assert desk.deposit("USDT", 1000, "d", moment - before) == "DUPLICATE"
    assert [(entry.reason, entry.delta_free) for entry in desk.entries] == [
        ("SNAPSHOT", 700),
        ("DEPOSIT", 1000),
        ("SNAPSHOT", -1000),
        ("SNAPSHOT", 3000),
        ("WITHDRAWAL", -3000),
    ]


def test_what_happened_after_the_snapshot_moves_money(desk):
    desk.sync({"USDT": 700})
    assert desk.deposit("USDT", 1000, at=desk.wait()) == "APPLIED"
    assert desk.money() == {"USDT": "1700 / 0"}
