"""Answers of REST: which of them tell of the spot account, and when they were given."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from metacore.errors import InvalidDataError
from metacore.exchanges.fields import Fields
from metacore.exchanges.payloads import Payload, read_object

_ISOLATED = "is of an isolated-margin account, whose money is not the spot account's; it is not kept here"


def server_time(payload: Payload) -> datetime:
    """Of the answer to GET /api/v3/time: the exchange's time.

    https://mexcdevelop.github.io/apidocs/spot_v3_en/#check-server-time
    """
    return read_object(payload).time("serverTime")


def header_time(date: str) -> datetime:
    """Of the `Date` header of any answer: the exchange's time, in whole seconds."""
    try:
        time = parsedate_to_datetime(date)
    except (ValueError, TypeError):
        raise InvalidDataError("a Date header reads like 'Sun, 01 Feb 2026 02:40:00 GMT'", field="date") from None
    if time.tzinfo is None:
        raise InvalidDataError("a Date header says its zone, GMT", field="date")
    return time.astimezone(UTC)


def refuse_isolated(answer: Fields) -> None:
    """Raise an InvalidDataError if `answer` is of an isolated-margin account."""
    if answer.values.get("isIsolated") in (True, "TRUE", "true", "True", "1"):
        raise answer.error("isIsolated", _ISOLATED)
    for name in ("isolatedSymbol", "isolatedCreated"):
        if answer.find(name)[1]:
            raise answer.error(name, _ISOLATED)
    account_type = answer.values.get("accountType")
    if isinstance(account_type, str) and "ISOLATED" in account_type.upper():
        raise answer.error("accountType", _ISOLATED)
    if "balances" not in answer.values and "assets" in answer.values:
        raise answer.error("assets", _ISOLATED)
