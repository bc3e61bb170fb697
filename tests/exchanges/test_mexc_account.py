"""The account of MEXC, as a snapshot and as what it says of the user."""

from datetime import datetime
from typing import Any

import pytest

from metacore.domain.people.users import KycStatus
from metacore.errors import InvalidDataError
from metacore.exchanges import mexc
from tests.exchanges.mexc_payloads import NOW, D, ms, parsed, put, text


def test_account():
    snapshot = mexc.account(text("account"), taken_at=NOW)

    assert [(held.asset, held.free, held.locked) for held in snapshot.balances] == [
        ("USDT", D("814.070223001764533151"), D("7.250310944")),
        ("MX", 0, 0),
    ]
    assert snapshot.taken_at == NOW
    assert (snapshot.can_trade, snapshot.can_withdraw, snapshot.can_deposit) == (True, False, True)
    assert (snapshot.account_type, snapshot.permissions) == ("SPOT", ("SPOT",))


def test_the_accounts_time_is_the_exchanges_where_it_tells_one():
    dated = put(parsed("account"), "updateTime", 1760000000001)

    assert mexc.account(dated).taken_at == ms(1760000000001)
    assert mexc.account(dated, taken_at=NOW).taken_at == ms(1760000000001)


@pytest.mark.parametrize("taken_at", [None, datetime(2026, 1, 31), 1760000000001])  # noqa: DTZ001
def test_without_the_exchanges_time_the_caller_gives_an_aware_one(taken_at: Any):
    with pytest.raises(InvalidDataError) as caught:
        mexc.account(text("account"), taken_at=taken_at)
    assert caught.value.field == ("updateTime" if taken_at is None else "taken_at")
    assert caught.value.raw == text("account")


def test_user_patch_has_the_fields_of_the_answer_and_no_others():
    assert mexc.user_patch(text("account")).named_values() == {
        "can_trade": True,
        "can_withdraw": False,
        "can_deposit": True,
        "account_type": "SPOT",
        "permissions": ("SPOT",),
    }
    assert mexc.user_patch({"canTrade": False, "permissions": None}).named_values() == {"can_trade": False}


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("1", KycStatus.UNVERIFIED),
        ("2", KycStatus.PRIMARY),
        ("3", KycStatus.ADVANCED),
        (4, KycStatus.INSTITUTIONAL),
    ],
)
def test_kyc_status(level: Any, expected: KycStatus):
    assert mexc.kyc_status({"status": level}) is expected
