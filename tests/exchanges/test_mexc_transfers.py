"""Deposits and withdrawals."""

from datetime import UTC, datetime
from typing import Any

import pytest

from metacore.domain.trading.balances import EntryReason
from metacore.exchanges import mexc
from metacore.testing.cases import each_case
from tests.exchanges.mexc_payloads import DEPOSIT, GOOD, KNOWN, USER, WITHDRAWAL, D, refusal


def test_a_deposit_that_is_done():
    read = mexc.deposit(DEPOSIT, user_id=USER)

    assert read is not None
    assert (read.user_id, read.asset, read.amount, read.reason) == (USER, "EOS", D("12.5"), EntryReason.DEPOSIT)
    assert read.occurred_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert read.reference.startswith("EOS:5bd1:")


@each_case("status", range(1, 13))
@each_case("form", [int, str])
def test_which_deposits_are_done(status: int, form: type):
    answer = {**DEPOSIT, "status": form(status)}

    assert (mexc.deposit(answer, user_id=USER) is not None) == (status in (5, 12))
    assert len(mexc.deposits([answer, answer], user_id=USER)) == (2 if status in (5, 12) else 0)


@each_case("status", range(1, 11))
def test_which_withdrawals_are_done(status: int):
    assert (mexc.withdrawal({**WITHDRAWAL, "status": status}, user_id=USER) is not None) == (status == 7)


@pytest.mark.parametrize("status", [0, 13, "DONE", None, True])
def test_an_unknown_status_is_refused(status: Any):
    assert refusal(mexc.deposit, {**DEPOSIT, "status": status}, user_id=USER).field == "status"
    assert refusal(mexc.withdrawals, [{**WITHDRAWAL, "status": status}], user_id=USER).field == "0.status"


@each_case("field", ["amount", "coin", "txId", "insertTime", "status"])
@each_case("value", [None, "", [], {}])
def test_a_deposit_says_what_it_is(field: str, value: Any):
    assert refusal(mexc.deposit, {**DEPOSIT, field: value}, user_id=USER).field == field


@pytest.mark.parametrize("field", ["amount", "coin", "id", "applyTime", "status"])
def test_a_withdrawal_says_what_it_is(field: str):
    assert refusal(mexc.withdrawal, {**WITHDRAWAL, field: None}, user_id=USER).field == field


def test_the_same_deposit_has_the_same_reference_and_another_output_another():
    later = {**DEPOSIT, "confirmTimes": "300", "amount": "12.5000", "insertTime": "1767225600000"}
    outputs = [
        DEPOSIT,
        {**DEPOSIT, "amount": "3"},
        {**DEPOSIT, "memo": "m-2"},
        {**DEPOSIT, "address": "0x99"},
        {**DEPOSIT, "txId": "5bd1:1"},
        {**DEPOSIT, "network": "ETH"},
        {**DEPOSIT, "coin": "USDT"},
        {**DEPOSIT, "txId": "x" * 255},
        {**DEPOSIT, "txId": "y" * 255},
    ]

    references = [transfer.reference for transfer in mexc.deposits(outputs, user_id=USER)]

    assert len(set(references)) == len(outputs)
    assert [transfer.reference for transfer in mexc.deposits([later, *outputs[1:]], user_id=USER)] == references
    assert all(len(reference) <= 255 for reference in references)


def test_outputs_that_are_alike_differ_by_their_number():
    first, second, third = mexc.deposits([DEPOSIT, {**DEPOSIT, "status": 4}, DEPOSIT, DEPOSIT], user_id=USER)

    assert [second.reference, third.reference] == [f"{first.reference}#2", f"{first.reference}#3"]


def test_a_coin_named_with_its_network_is_the_asset_of_the_account():
    coin = {"coin": "USDC-TRX", "network": "TRX"}

    assert [transfer.asset for transfer in mexc.deposits([DEPOSIT | coin], user_id=USER)] == ["USDC"]
    assert [transfer.asset for transfer in mexc.withdrawals([WITHDRAWAL | coin], user_id=USER)] == ["USDC"]
    assert refusal(mexc.deposit, DEPOSIT | {"coin": "-TRX"}, user_id=USER).field == "coin"


def test_an_id_is_read_whatever_its_length():
    (read,) = mexc.orders("[" + GOOD.replace('"C02__1"', "123456789012345678901234567890") + "]", **KNOWN)

    assert read.exchange_order_id == "123456789012345678901234567890"
    assert read.raw is not None
    for wrong in ("1.5", "1e3", "-1.0"):
        refused = mexc.orders.readable("[" + GOOD.replace('"C02__1"', wrong) + "]", **KNOWN)
        assert [bad.field for bad in refused.bad] == ["orderId"]


def test_a_withdrawal_is_what_left_the_account():
    (read,) = mexc.withdrawals([WITHDRAWAL], user_id=USER)

    assert (read.asset, read.amount, read.reference) == ("EOS", D(10), "bb17")
    assert (read.reason, read.occurred_at) == (EntryReason.WITHDRAWAL, datetime(2026, 1, 1, 0, 1, 40, tzinfo=UTC))
