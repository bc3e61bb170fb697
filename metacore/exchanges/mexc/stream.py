"""The private streams: orders, trades and balances as the exchange pushes them.

Each channel has two forms. The protobuf messages (`spot@private.orders.v3.api.pb`), as the JSON that protobuf defines
for them, have their body in `privateOrders`, `privateDeals` or `privateAccount`, with long names; what is left out
there has the default of its type. The older JSON messages (`spot@private.orders.v3.api`) have it in `d`, with short
names.
https://www.mexc.com/api-docs/spot-v3/websocket-user-data-streams
"""

from __future__ import annotations

from uuid import UUID

from metacore.domain.trading.balances import AccountBalance
from metacore.domain.trading.order_updates import UpdateSource
from metacore.domain.trading.orders import OrderStatus
from metacore.domain.trading.reports import ExecutionReport
from metacore.domain.trading.trades import NewTrade
from metacore.domain.values.amounts import Amount
from metacore.domain.values.frozen import FrozenJson
from metacore.domain.values.text import Key
from metacore.domain.values.times import Time
from metacore.exchanges.mexc.fields import Fields
from metacore.exchanges.mexc.orders import read_market, read_order, report_of
from metacore.exchanges.mexc.payloads import Payload, read_object
from metacore.exchanges.mexc.stream_forms import JSON, PROTOBUF, SIDES, STATUSES, StreamForm
from metacore.exchanges.mexc.symbols import Symbols
from metacore.exchanges.mexc.trades import read_trade

_ORDERS, _DEALS, _ACCOUNT = "orders", "deals", "account"
_CHANNELS = {
    f"spot@private.{topic}.v3.api{encoding}": topic for topic in (_ORDERS, _DEALS, _ACCOUNT) for encoding in ("", ".pb")
}
_EXECUTED = frozenset({OrderStatus.FILLED, OrderStatus.PARTIALLY_FILLED, OrderStatus.PARTIALLY_CANCELED})


class BalanceUpdate(AccountBalance):
    """What an account has of one asset after a change, and by how much it changed.

    `change_type` is the exchange's word for the cause, such as ENTRUST_PLACE or DEPOSIT; its list of them has gaps.
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

    - Status codes: 1 NEW, 2 FILLED, 3 PARTIALLY_FILLED, 4 CANCELED, 5 PARTIALLY_CANCELED.
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
    """Of a message of any private channel: what it tells; None for the exchange's answers to PING and subscriptions."""
    message = read_object(payload)
    if message.find("channel", "c")[1] is None and "msg" in message.values and message.find("code")[1] == 0:
        return None
    topic, form = _topic(message)
    if topic == _ORDERS:
        return _report(message, form, user_id, symbols, None)
    if topic == _DEALS:
        return _trade(message, form, user_id)
    return _balance(message, form)


def _open(payload: Payload, wanted: str) -> tuple[Fields, StreamForm]:
    message = read_object(payload)
    topic, form = _topic(message)
    if topic != wanted:
        raise message.error(message.find("channel", "c")[0], f"is not the channel of {wanted}")
    return message, form


def _topic(message: Fields) -> tuple[str, StreamForm]:
    topic = message.choice(_CHANNELS, "channel", "c")
    return topic, PROTOBUF if message.find("channel", "c")[0] == "channel" else JSON


def _report(
    message: Fields, form: StreamForm, user_id: UUID, symbols: Symbols, order_id: UUID | None
) -> ExecutionReport:
    told, names = message.nested(form.orders), form.order
    status = told.choice(STATUSES, form.order_status)
    read = told.non_negative if status in _EXECUTED else told.non_negative_or_none
    executed = read(names.executed_quantity), read(names.executed_quote_quantity)
    names_client = told.find(*names.order_id)[0] != form.order_client_id
    found = read_order(
        told,
        names,
        raw=message,
        user_id=user_id,
        market=read_market(message, form.symbol, symbols),
        status=status,
        client_order_id=told.key_or_none(form.order_client_id) if names_client else None,
        order_id=order_id,
        executed=executed,
    )
    occurred_at = message.time(form.sent)
    return report_of(
        told, found, executed=executed, occurred_at=occurred_at, source=UpdateSource.WEBSOCKET, order_id=order_id
    )


def _trade(message: Fields, form: StreamForm, user_id: UUID) -> NewTrade:
    told = message.nested(form.deals)
    is_maker = told.flag_or_none(form.trade_maker)
    return read_trade(
        told,
        form.trade,
        raw=message,
        user_id=user_id,
        symbol=message.key(form.symbol),
        side=told.choice(SIDES, form.trade_side),
        is_maker=False if is_maker is None and form.has_defaults else is_maker,
    )


def _balance(message: Fields, form: StreamForm) -> BalanceUpdate:
    told, names = message.nested(form.account), form.balance
    values = {
        "asset": told.key(names.asset),
        "free": told.non_negative(names.free),
        "delta_free": told.amount(names.delta_free),
        "locked": told.non_negative(names.locked),
        "delta_locked": told.amount(names.delta_locked),
        "change_type": told.key(names.change_type),
        "occurred_at": told.time(names.time),
        "raw": message.values,
    }
    return told.build(BalanceUpdate, values)
