"""Accounts: what the exchange says of the user and of the balances."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from metacore.domain.people.users import KycStatus, UserPatch
from metacore.domain.trading.balances import AccountBalance
from metacore.domain.trading.snapshots import AccountSnapshot
from metacore.domain.values.amounts import parse_amount
from metacore.domain.values.frozen import FrozenDict
from metacore.domain.values.items import Readable
from metacore.domain.values.text import MAX_KEY_LENGTH
from metacore.errors import InvalidDataError
from metacore.exchanges.fields import Fields, join
from metacore.exchanges.items import ItemParser, bad_item
from metacore.exchanges.mexc.answers import refuse_isolated
from metacore.exchanges.payloads import Payload, read_object, written

_KYC_STATUSES = {
    "1": KycStatus.UNVERIFIED,
    "2": KycStatus.PRIMARY,
    "3": KycStatus.ADVANCED,
    "4": KycStatus.INSTITUTIONAL,
}


@ItemParser
def account(payload: Payload, *, taken_at: datetime | None = None) -> Readable[AccountSnapshot]:
    """Of the answer to GET /api/v3/account: all balances and the account's flags.

    - `updateTime` is null in practice: `taken_at` then takes its place and is required. It is the exchange's time, or
      the clock's before the request.
    - `account.readable` leaves out the balances that are bad: the snapshot of the good ones is partial, and tells
      nothing of the others.

    https://mexcdevelop.github.io/apidocs/spot_v3_en/#account-information
    """
    return account_of(read_object(payload), taken_at=taken_at)


def account_of(answer: Fields, *, taken_at: datetime | None = None) -> Readable[AccountSnapshot]:
    """The snapshot that an answer tells, and the balances in it that are bad."""
    refuse_isolated(answer)
    items = answer.items("balances")
    listed = Counter(item.get("asset") for item in items if isinstance(item, FrozenDict))
    balances, bad = [], []
    for index, item in enumerate(items):
        path = join("balances", str(index))
        try:
            held = answer.nested_item("balances", index)
            if listed[held.key("asset")] > 1:
                raise held.error("asset", "is listed more than once, and nobody knows which of them holds")
            balances.append(_balance(held))
        except InvalidDataError as error:
            bad.append(bad_item(index, path, written(item), error))
    values = {
        "taken_at": answer.time_or_default(taken_at, "taken_at", "updateTime"),
        "balances": tuple(balances),
        "is_partial": bool(bad),
    }
    return Readable(answer.build(AccountSnapshot, values | _flags(answer), within="balances"), tuple(bad))


def _balance(held: Fields) -> AccountBalance:
    values = {"asset": held.key("asset"), "free": held.non_negative("free"), "locked": held.non_negative("locked")}
    balance = held.build(AccountBalance, values)
    try:
        parse_amount(balance.total)
    except ValueError as error:
        raise held.error("free", f"and locked together: {error}") from None
    return balance


def user_patch(payload: Payload) -> UserPatch:
    """Of the same answer: the fields of the user that it tells, and no others."""
    answer = read_object(payload)
    refuse_isolated(answer)
    return answer.build(UserPatch, _flags(answer))


def kyc_status(payload: Payload) -> KycStatus:
    """Of the answer to GET /api/v3/kyc/status, levels 1 to 4.

    https://mexcdevelop.github.io/apidocs/spot_v3_en/#query-kyc-status
    """
    return read_object(payload).choice(_KYC_STATUSES, "status")


def _flags(answer: Fields) -> dict[str, Any]:
    flags = {
        "can_trade": answer.flag_or_none("canTrade"),
        "can_withdraw": answer.flag_or_none("canWithdraw"),
        "can_deposit": answer.flag_or_none("canDeposit"),
        "account_type": answer.key_or_none("accountType"),
        "permissions": _permissions(answer),
    }
    return {name: value for name, value in flags.items() if value is not None}


def _permissions(answer: Fields) -> tuple[str, ...] | None:
    if answer.find("permissions")[1] is None:
        return None
    permissions = answer.items("permissions")
    for index, permission in enumerate(permissions):
        if not isinstance(permission, str) or not 1 <= len(permission) <= MAX_KEY_LENGTH:
            raise answer.error(join("permissions", str(index)), f"must be text of 1 to {MAX_KEY_LENGTH} characters")
    return permissions
