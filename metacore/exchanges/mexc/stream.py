"""The private streams: orders, trades and balances as the exchange pushes them.

Each channel has three forms. The messages of `spot@private.orders.v3.api.pb` and its like are protobuf, bytes to be
given as they come, or the JSON that protobuf defines for them: their body is in `privateOrders`, `privateDeals` or
`privateAccount`, with long names, and what is left out there has the default of its type. The older JSON messages
(`spot@private.orders.v3.api`) have it in `d`, with short names.
https://www.mexc.com/api-docs/spot-v3/websocket-user-data-streams
"""

from __future__ import annotations

from uuid import UUID

from metacore.domain.trading.balances import AccountBalance
from metacore.domain.trading.order_updates import UpdateSource
from metacore.domain.trading.orders import OrderStatus, OrderType
from metacore.domain.trading.reports import ExecutionReport
from metacore.domain.trading.trades import NewTrade
from metacore.domain.values.amounts import Amount
from metacore.domain.values.frozen import FrozenJson
from metacore.domain.values.text import Key
from metacore.domain.values.times import Time
from metacore.exchanges.fields import Fields
from metacore.exchanges.forms import read_market, read_order, read_trade, report_of
from metacore.exchanges.mexc.messages import is_answer, is_public, read_message
from metacore.exchanges.mexc.stream_forms import (
    JSON,
    OCO_TYPES,
    PROTOBUF,
    SIDES,
    STATUSES,
    STOP_TYPES,
    WAITING_STATUSES,
    StreamForm,
)
from metacore.exchanges.payloads import Payload
from metacore.exchanges.symbols import Symbols

_ORDERS, _DEALS, _ACCOUNT = "orders", "deals", "account"
_CHANNELS = {
    f"spot@private.{topic}.v3.api{encoding}": topic for topic in (_ORDERS, _DEALS, _ACCOUNT) for encoding in ("", ".pb")
}
_EXECUTED = frozenset({OrderStatus.FILLED, OrderStatus.PARTIALLY_FILLED, OrderStatus.PARTIALLY_CANCELED})


class BalanceUpdate(AccountBalance):
    """What an account has of one asset after a change, and by how much it changed: a hint, not a fact for the books.

    Do not store it, neither as a snapshot (it tells of one asset, and of no time that orders it among the trades) nor
    as a movement (its trade, deposit or withdrawal is told by itself, and would count twice). What to do:

    - after ENTRUST_PLACE, ENTRUST_CANCEL, ENTRUST, TRADE_FEE: nothing; the streams of orders and deals tell the same;
    - after DEPOSIT or WITHDRAW: ask for the history, read it with `deposits` or `withdrawals`, and call
      `TradingService.deposit` or `TradingService.withdraw`;
    - after anything else (a transfer between accounts, an airdrop): ask for the account, read it with `account`, and
      call `TradingService.sync_account`.

    `change_type` is the exchange's word for the cause; its list of them has gaps.
    """

    delta_free: Amount
    delta_locked: Amount
    change_type: Key
    occurred_at: Time
    raw: FrozenJson


StreamEvent = ExecutionReport | NewTrade | BalanceUpdate


def stream_report(
    payload: Payload, *, user_id: UUID, symbols: Symbols, order_id: UUID | None = None
) -> ExecutionReport:
    """Of a message of `spot@private.orders.v3.api`: a report that carries the order in case it is not stored.

    - Status codes: 1 NEW, 2 FILLED, 3 PARTIALLY_FILLED, 4 CANCELED, 5 PARTIALLY_CANCELED; 0, of an order that waits for
      its price, is NEW.
    - Of the two orders of an OCO (`orderType` 101 and 102) the one with a trigger price is a STOP_LIMIT, the other a
      LIMIT; `ocoId`, which names both, stays in `raw`.
    - `occurred_at` is when the message was sent, the order's `transacted_at` when the order was created.
    - `order_id` is the id of the stored order, where the caller knows it.
    - The exchange documents `clientId` as its own id of the order in messages that have no `id`, and is read so.
    """
    message, form = _open(payload, _ORDERS)
    return _report(message, form, user_id, symbols, order_id)


def stream_trade(payload: Payload, *, user_id: UUID) -> NewTrade:
    """Of a message of `spot@private.deals.v3.api`: a trade, equal in content to the one that `trades` reads later."""
    message, form = _open(payload, _DEALS)
    return _trade(message, form, user_id)


def stream_balance(payload: Payload) -> BalanceUpdate:
    """Of a message of `spot@private.account.v3.api`: one balance after a change. It is no snapshot of the account."""
    message, form = _open(payload, _ACCOUNT)
    return _balance(message, form)


def stream_event(payload: Payload, *, user_id: UUID, symbols: Symbols) -> StreamEvent | None:
    """Of any message of a connection, bytes or text: what it tells of the user.

    None for market data (`spot@public...`) and for the exchange's answers to PING and to subscriptions. One that it
    refused is a SubscriptionError with the channels and the reason.
    """
    return event_of(read_message(payload), user_id=user_id, symbols=symbols)


def event_of(message: Fields, *, user_id: UUID, symbols: Symbols) -> StreamEvent | None:
    """What a message tells, as `stream_event` says it."""
    if is_answer(message) or is_public(message):
        return None
    topic, form = _topic(message)
    if topic == _ORDERS:
        return _report(message, form, user_id, symbols, None)
    if topic == _DEALS:
        return _trade(message, form, user_id)
    return _balance(message, form)


def _open(payload: Payload, channel: str) -> tuple[Fields, StreamForm]:
    message = read_message(payload)
    is_answer(message)
    topic, form = _topic(message)
    if topic != channel:
        raise message.error(message.find("channel", "c")[0], f"is not the channel of {channel}")
    return message, form


def _topic(message: Fields) -> tuple[str, StreamForm]:
    topic = message.choice(_CHANNELS, "channel", "c")
    return topic, PROTOBUF if message.find("channel", "c")[0] == "channel" else JSON


def _report(
    message: Fields, form: StreamForm, user_id: UUID, symbols: Symbols, order_id: UUID | None
) -> ExecutionReport:
    fields, names = message.nested(form.orders), form.order
    code = fields.key(names.type)
    status = _status(fields, form, code)
    read = fields.non_negative if status in _EXECUTED else fields.non_negative_or_none
    executed = read(names.executed_quantity), read(names.executed_quote_quantity)
    names_client = fields.find(*names.order_id)[0] != form.order_client_id
    found = read_order(
        fields,
        names,
        raw=message,
        user_id=user_id,
        market=read_market(message, form.symbol, symbols),
        status=status,
        client_order_id=fields.key_or_none(form.order_client_id) if names_client else None,
        order_id=order_id,
        type_=_oco_type(fields, form) if code in OCO_TYPES else None,
        executed=executed,
    )
    occurred_at = message.time(form.sent)
    return report_of(
        fields, found, executed=executed, occurred_at=occurred_at, source=UpdateSource.WEBSOCKET, order_id=order_id
    )


def _status(fields: Fields, form: StreamForm, code: str) -> OrderStatus:
    if code not in STOP_TYPES | OCO_TYPES:
        return fields.choice(STATUSES, form.order_status)
    if form.has_defaults and fields.find(form.order_status)[1] is None:
        return WAITING_STATUSES["0"]
    return fields.choice(STATUSES | WAITING_STATUSES, form.order_status)


def _oco_type(fields: Fields, form: StreamForm) -> OrderType:
    if fields.positive_or_none(form.order.price) is None:
        return OrderType.MARKET
    return OrderType.LIMIT if fields.positive_or_none(form.order.stop_price) is None else OrderType.STOP_LIMIT


def _trade(message: Fields, form: StreamForm, user_id: UUID) -> NewTrade:
    fields = message.nested(form.deals)
    is_maker = fields.flag_or_none(form.trade_maker)
    return read_trade(
        fields,
        form.trade,
        raw=message,
        user_id=user_id,
        symbol=message.key(form.symbol),
        side=fields.choice(SIDES, form.trade_side),
        is_maker=False if is_maker is None and form.has_defaults else is_maker,
    )


def _balance(message: Fields, form: StreamForm) -> BalanceUpdate:
    fields, names = message.nested(form.account), form.balance
    values = {
        "asset": fields.key(names.asset),
        "free": fields.non_negative(names.free),
        "delta_free": fields.amount(names.delta_free),
        "locked": fields.non_negative(names.locked),
        "delta_locked": fields.amount(names.delta_locked),
        "change_type": fields.key(names.change_type),
        "occurred_at": fields.time(names.time),
        "raw": message.values,
    }
    return fields.build(BalanceUpdate, values)
