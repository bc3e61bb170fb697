"""The two forms of the private streams: by which names and codes each tells the same things.

Sources: https://www.mexc.com/api-docs/spot-v3/websocket-user-data-streams and
https://github.com/mexcdevelop/websocket-proto (protobuf); the section "Websocket User Data Streams" of
https://mexcdevelop.github.io/apidocs/spot_v3_en/ as it stood until 2025 (JSON).
"""

from __future__ import annotations

from dataclasses import dataclass

from metacore.domain.trading.orders import OrderSide, OrderStatus, OrderType
from metacore.exchanges.forms import OrderForm, TradeForm

SIDES = {"1": OrderSide.BUY, "2": OrderSide.SELL}
TYPES = {
    "1": OrderType.LIMIT,
    "2": OrderType.LIMIT_MAKER,
    "3": OrderType.IMMEDIATE_OR_CANCEL,
    "4": OrderType.FILL_OR_KILL,
    "5": OrderType.MARKET,
    "100": OrderType.STOP_LIMIT,
}
STOP_TYPES, OCO_TYPES = {"100"}, {"101", "102"}
"""Codes of orders that wait for a price: alone, and as one of two of which the other cancels (`ocoId` names both)."""
# A stop order that waits tells a word instead of a code. Its EXECUTED says that it was triggered, not what became of it
# then, so it is no status here.
WAITING_STATUSES = {"0": OrderStatus.NEW}
"""Of those orders alone, before their price is reached."""
STATUSES = {
    "1": OrderStatus.NEW,
    "2": OrderStatus.FILLED,
    "3": OrderStatus.PARTIALLY_FILLED,
    "4": OrderStatus.CANCELED,
    "5": OrderStatus.PARTIALLY_CANCELED,
    "NEW": OrderStatus.NEW,
    "CANCELED": OrderStatus.CANCELED,
    "FAILED": OrderStatus.REJECTED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceForm:
    asset: str
    free: str
    delta_free: str
    locked: str
    delta_locked: str
    change_type: str
    time: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamForm:
    """The names of one form. A field that is not told has no value, or the default of its type if `has_defaults`."""

    orders: str
    deals: str
    account: str
    has_defaults: bool
    symbol: str
    sent: str
    order: OrderForm
    order_status: str
    order_client_id: str
    trade: TradeForm
    trade_side: str
    trade_maker: str
    balance: BalanceForm


JSON = StreamForm(
    orders="d",
    deals="d",
    account="d",
    has_defaults=False,
    symbol="s",
    sent="t",
    order=OrderForm(
        order_id=("i",),
        side="S",
        sides=SIDES,
        type="o",
        types=TYPES,
        price="p",
        quantity=("v",),
        quote_quantity="a",
        stop_price="P",
        executed_quantity="cv",
        executed_quote_quantity="ca",
        created=("O",),
    ),
    order_status="s",
    order_client_id="c",
    trade=TradeForm(
        trade_id="t",
        order_id="i",
        client_order_id="c",
        price="p",
        quantity="v",
        quote_quantity="a",
        commission="n",
        commission_asset="N",
        time="T",
    ),
    trade_side="S",
    trade_maker="m",
    balance=BalanceForm(asset="a", free="f", delta_free="fd", locked="l", delta_locked="ld", change_type="o", time="c"),
)
PROTOBUF = StreamForm(
    orders="privateOrders",
    deals="privateDeals",
    account="privateAccount",
    has_defaults=True,
    symbol="symbol",
    sent="sendTime",
    order=OrderForm(
        order_id=("id", "clientId"),
        side="tradeType",
        sides=SIDES,
        type="orderType",
        types=TYPES,
        price="price",
        quantity=("quantity",),
        quote_quantity="amount",
        stop_price="triggerPrice",
        executed_quantity="cumulativeQuantity",
        executed_quote_quantity="cumulativeAmount",
        created=("createTime",),
    ),
    order_status="status",
    order_client_id="clientId",
    trade=TradeForm(
        trade_id="tradeId",
        order_id="orderId",
        client_order_id="clientOrderId",
        price="price",
        quantity="quantity",
        quote_quantity="amount",
        commission="feeAmount",
        commission_asset="feeCurrency",
        time="time",
    ),
    trade_side="tradeType",
    trade_maker="isMaker",
    balance=BalanceForm(
        asset="vcoinName",
        free="balanceAmount",
        delta_free="balanceAmountChange",
        locked="frozenAmount",
        delta_locked="frozenAmountChange",
        change_type="type",
        time="time",
    ),
)
