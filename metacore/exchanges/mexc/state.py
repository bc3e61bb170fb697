"""The state of an account, put together of payloads in any order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from metacore.domain.trading.balances import EntryReason
from metacore.domain.trading.order_updates import UpdateSource
from metacore.domain.trading.reconciliation import ExchangeState, in_sequence
from metacore.domain.trading.reports import ExecutionReport
from metacore.domain.trading.snapshots import AccountSnapshot
from metacore.domain.trading.trades import NewTrade
from metacore.domain.trading.transfers import Transfer
from metacore.domain.values.items import BadItem, Readable
from metacore.domain.values.times import parse_time
from metacore.errors import InvalidDataError
from metacore.exchanges.fields import Fields
from metacore.exchanges.items import bad_item
from metacore.exchanges.mexc.account import account_of
from metacore.exchanges.mexc.batches import batch_report_of
from metacore.exchanges.mexc.messages import is_protobuf, read_message
from metacore.exchanges.mexc.orders import report_of_answer
from metacore.exchanges.mexc.stream import event_of
from metacore.exchanges.mexc.trades import trade_of
from metacore.exchanges.mexc.transfers import deposit_of, numbered, withdrawal_of
from metacore.exchanges.payloads import Payload, is_list, read_answer, read_items, source_of, written
from metacore.exchanges.symbols import Symbols

T = TypeVar("T")

_NO_OFFSET = timedelta(0)


def exchange_state(
    payloads: Iterable[Payload],
    *,
    user_id: UUID,
    symbols: Symbols,
    taken_at: datetime | None = None,
    clock_offset: timedelta = _NO_OFFSET,
) -> ExchangeState:
    """Of payloads of any kind, in any order, doubled or not: what they tell of the user's account.

    - Read are orders, batches, trades, deposits, withdrawals and the account, as REST answers them, single or in lists,
      and the pushes of the private streams, bytes or text. What is none of these, or cannot be read, is in `bad`, with
      the index of its payload. Balances that are pushed, market data and the symbol list tell nothing here.
    - The account was taken at the time that it tells; it seldom does. Else at `taken_at`, the clock's time before it
      was asked for, corrected by `clock_offset`, how far the exchange's clock is ahead (negative: behind); or at the
      latest time of the exchange (GET /api/v3/time) among the payloads. What else tells no time is dated like that.
    - Of several accounts the newest counts; if they differ and are of one time, none does.
    """
    if not isinstance(user_id, UUID):
        raise InvalidDataError("a UUID is wanted", field="user_id")
    opened, bad = list[_Item](), list[BadItem]()
    for number, payload in enumerate(payloads):
        opened.extend(_open(number, payload, bad))
    times = [time for _, time in _read(opened, {"time": lambda fields: fields.time("serverTime")}, bad)]
    now = _exchange_time(taken_at, clock_offset) or max(times, default=None)
    reading: dict[str, Callable[[Fields], object]] = {
        "push": lambda fields: event_of(fields, user_id=user_id, symbols=symbols),
        "account": lambda fields: account_of(fields, taken_at=now),
        "trade": lambda fields: trade_of(fields, user_id=user_id),
        "deposit": lambda fields: deposit_of(fields, user_id),
        "withdrawal": lambda fields: withdrawal_of(fields, user_id),
        "batch": lambda fields: batch_report_of(fields, user_id=user_id, occurred_at=now),
        "order": lambda fields: report_of_answer(
            fields, user_id=user_id, symbols=symbols, occurred_at=now, source=UpdateSource.RECONCILE
        ),
    }
    read = list(_read(opened, reading, bad))
    transfers = _transfers((item, value) for item, value in read if isinstance(value, Transfer))
    snapshot = _newest([(item, value) for item, value in read if isinstance(value, Readable)], bad)
    trades = (value for _, value in read if isinstance(value, NewTrade))
    return ExchangeState(
        user_id=user_id,
        reports=in_sequence(value for _, value in read if isinstance(value, ExecutionReport)),
        trades=tuple(sorted(trades, key=lambda trade: (trade.traded_at, trade.exchange_trade_id))),
        deposits=tuple(transfer for transfer in transfers if transfer.reason is EntryReason.DEPOSIT),
        withdrawals=tuple(transfer for transfer in transfers if transfer.reason is EntryReason.WITHDRAWAL),
        snapshot=snapshot,
        bad=tuple(sorted(bad, key=lambda item: (item.payload, -1 if item.index is None else item.index))),
    )


@dataclass(frozen=True, slots=True)
class _Item:
    """A JSON object of a payload: which, where it stood, its bytes, and what kind of thing it tells of."""

    payload: int
    index: int | None
    raw: bytes
    fields: Fields
    kind: str


def _open(number: int, payload: Payload, bad: list[BadItem]) -> Iterator[_Item]:
    try:
        if not is_list(payload):
            fields = read_message(payload) if is_protobuf(payload) else read_answer(payload)
            yield _Item(number, None, source_of(payload) or written(payload), fields, _kind(fields))
            return
        items = read_items(payload)
    except InvalidDataError as error:
        bad.append(BadItem(None, error.field, source_of(payload) or written(payload), error, number))
        return
    for index in range(len(items)):
        try:
            fields = items.fields(index)
            yield _Item(number, index, items.raw(index), fields, _kind(fields))
        except InvalidDataError as error:
            bad.append(replace(bad_item(index, str(index), items.raw(index), error), payload=number))


def _kind(fields: Fields) -> str:
    names = fields.values.keys()
    for kind, marks in _MARKS:
        if all(mark in names for mark in marks):
            return kind
    raise fields.error("", "tells of nothing that is read: no order, trade, transfer, account or push")


_MARKS = (
    ("push", ("channel",)),
    ("push", ("c", "d")),
    ("account", ("balances",)),
    ("account", ("assets",)),
    ("time", ("serverTime",)),
    ("nothing", ("symbols",)),
    ("trade", ("isBuyer",)),
    ("withdrawal", ("coin", "applyTime")),
    ("deposit", ("coin",)),
    ("order", ("orderId", "side")),
    ("batch", ("newClientOrderId",)),
    ("batch", ("orderId", "orderListId")),
    ("push", ("msg",)),
    ("push", ("code",)),
    ("order", ("orderId",)),
)
"""What tells of which kind of thing: the first whose names are all there."""


def _read(
    items: Iterable[_Item], reading: dict[str, Callable[[Fields], T]], bad: list[BadItem]
) -> Iterator[tuple[_Item, T]]:
    for item in items:
        if (read := reading.get(item.kind)) is None:
            continue
        try:
            yield item, read(item.fields)
        except InvalidDataError as error:
            path = "" if item.index is None else str(item.index)
            bad.append(replace(bad_item(item.index, path, item.raw, error), payload=item.payload))


def _exchange_time(taken_at: datetime | None, clock_offset: timedelta) -> datetime | None:
    if taken_at is None:
        return None
    try:
        return parse_time(parse_time(taken_at) + clock_offset)
    except (ValueError, OverflowError) as error:
        raise InvalidDataError(str(error), field="taken_at") from None


def _transfers(read: Iterable[tuple[_Item, Transfer]]) -> list[Transfer]:
    """Each once: those that are alike are told apart within a payload, and are the same in another."""
    by_payload = defaultdict[int, list[Transfer]](list)
    for item, transfer in read:
        by_payload[item.payload].append(transfer)
    each = {
        (transfer.reason, transfer.reference): transfer
        for transfers in by_payload.values()
        for transfer in numbered(transfers)
    }
    return sorted(each.values(), key=lambda transfer: (transfer.occurred_at, transfer.reference))


def _newest(read: list[tuple[_Item, Readable[AccountSnapshot]]], bad: list[BadItem]) -> AccountSnapshot | None:
    newest = max((account.good.taken_at for _, account in read), default=None)
    newest_ones = [(item, account) for item, account in read if account.good.taken_at == newest]
    if any(account.good != newest_ones[0][1].good for _, account in newest_ones):
        for item, _ in newest_ones:
            error = item.fields.error(
                "balances", "another account of the same time differs; give the one asked for last"
            )
            bad.append(BadItem(item.index, "balances", item.raw, error, item.payload))
        return None
    for item, account in newest_ones[:1]:
        bad.extend(replace(balance, payload=item.payload) for balance in account.bad)
        return account.good
    return None
