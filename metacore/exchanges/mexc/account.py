"""Accounts: what the exchange says of the user and of the balances."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from metacore.domain.people.users import KycStatus, UserPatch
from metacore.domain.trading.balances import AccountBalance
from metacore.domain.trading.snapshots import AccountSnapshot
from metacore.domain.values.text import MAX_KEY_LENGTH
from metacore.exchanges.mexc.fields import Fields, join
from metacore.exchanges.mexc.payloads import Payload, read_object

_KYC_STATUSES = {
    "1": KycStatus.UNVERIFIED,
    "2": KycStatus.PRIMARY,
    "3": KycStatus.ADVANCED,
    "4": KycStatus.INSTITUTIONAL,
}


def account(payload: Payload, *, taken_at: datetime | None = None) -> AccountSnapshot:
    """Of the answer to GET /api/v3/account: all balances and the account's flags.

    `updateTime` is null in practice: `taken_at`, the clock before the request, then takes its place and is required.
    https://mexcdevelop.github.io/apidocs/spot_v3_en/#account-information
    """
    answer = read_object(payload)
    balances = tuple(
        AccountBalance(asset=held.key("asset"), free=held.non_negative("free"), locked=held.non_negative("locked"))
        for held in answer.nested_list("balances")
    )
    values = {"taken_at": answer.time_or_given(taken_at, "taken_at", "updateTime"), "balances": balances}
    return answer.build(AccountSnapshot, values | _flags(answer), within="balances")


def user_patch(payload: Payload) -> UserPatch:
    """Of the same answer: the fields of the user that it tells, and no others."""
    answer = read_object(payload)
    return answer.build(UserPatch, _flags(answer))


def kyc_status(payload: Payload) -> KycStatus:
    """Of the answer to GET /api/v3/kyc/status, levels 1 to 4.

    https://mexcdevelop.github.io/apidocs/spot_v3_en/#query-kyc-status
    """
    return read_object(payload).choice(_KYC_STATUSES, "status")


def _flags(answer: Fields) -> dict[str, Any]:
    told = {
        "can_trade": answer.flag_or_none("canTrade"),
        "can_withdraw": answer.flag_or_none("canWithdraw"),
        "can_deposit": answer.flag_or_none("canDeposit"),
        "account_type": answer.key_or_none("accountType"),
        "permissions": _permissions(answer),
    }
    return {name: value for name, value in told.items() if value is not None}


def _permissions(answer: Fields) -> tuple[str, ...] | None:
    if answer.find("permissions")[1] is None:
        return None
    permissions = answer.items("permissions")
    for index, permission in enumerate(permissions):
        if not isinstance(permission, str) or not 1 <= len(permission) <= MAX_KEY_LENGTH:
            raise answer.error(join("permissions", str(index)), f"must be text of 1 to {MAX_KEY_LENGTH} characters")
    return permissions
