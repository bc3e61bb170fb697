"""What the exchange tells, in the words of MEXC: its REST in whole seconds, its pushes in milliseconds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from metacore.domain.trading.orders import OrderSide, OrderStatus, OrderType
from metacore.exchanges import mexc

from .exchange import PAIRS, Deal, Listed, Moved

SYMBOLS = mexc.Symbols(PAIRS)

_STATUSES = {
    OrderStatus.NEW: 1,
    OrderStatus.FILLED: 2,
    OrderStatus.PARTIALLY_FILLED: 3,
    OrderStatus.CANCELED: 4,
    OrderStatus.PARTIALLY_CANCELED: 5,
}
_TYPES = {OrderType.LIMIT: 1, OrderType.IMMEDIATE_OR_CANCEL: 3, OrderType.MARKET: 5}
_SIDES = {OrderSide.BUY: 1, OrderSide.SELL: 2}


def pushed_order(order: Listed, now: int, is_old: bool) -> bytes:
    """A push of how an order stands; `is_old` ones have the older JSON form."""
    asked = order.asked
    price, quantity, quote = asked.price or 0, asked.quantity or 0, asked.quote_quantity or 0
    codes = {"type": _TYPES[asked.type], "side": _SIDES[asked.side], "status": _STATUSES[order.status]}
    if is_old:
        fields = {
            "i": order.id,
            "c": asked.client_order_id or "",
            "O": order.created,
            "S": codes["side"],
            "o": codes["type"],
            "s": codes["status"],
            "p": f"{price}",
            "v": f"{quantity}",
            "a": f"{quote}",
            "cv": f"{order.executed}",
            "ca": f"{order.cost}",
        }
        return _json({"c": "spot@private.orders.v3.api", "s": asked.symbol, "t": now, "d": fields})
    fields = {
        "id": order.id,
        "clientId": asked.client_order_id or "",
        "price": f"{price}",
        "quantity": f"{quantity}",
        "amount": f"{quote}",
        "orderType": codes["type"],
        "tradeType": codes["side"],
        "cumulativeQuantity": f"{order.executed}",
        "cumulativeAmount": f"{order.cost}",
        "status": codes["status"],
        "createTime": str(order.created),
    }
    channel = "spot@private.orders.v3.api.pb"
    return _json({"channel": channel, "symbol": asked.symbol, "sendTime": str(now), "privateOrders": fields})


def pushed_deal(deal: Deal, now: int, is_old: bool) -> bytes:
    """A push of a deal."""
    asked, amounts = deal.order.asked, (f"{deal.price}", f"{deal.quantity}", f"{deal.cost}", f"{deal.commission}")
    price, quantity, cost, commission = amounts
    if is_old:
        fields: dict[str, Any] = {"p": price, "v": quantity, "a": cost, "S": _SIDES[asked.side], "T": deal.time}
        fields |= {"t": deal.id, "c": asked.client_order_id or "", "i": deal.order.id, "m": int(deal.is_maker)}
        fields |= {"n": commission, "N": deal.commission_asset}
        return _json({"c": "spot@private.deals.v3.api", "s": asked.symbol, "t": now, "d": fields})
    fields = {"price": price, "quantity": quantity, "amount": cost, "tradeType": _SIDES[asked.side], "time": deal.time}
    fields |= {"isMaker": deal.is_maker, "tradeId": deal.id, "orderId": deal.order.id, "feeAmount": commission}
    fields |= {"clientOrderId": asked.client_order_id or "", "feeCurrency": deal.commission_asset}
    channel = "spot@private.deals.v3.api.pb"
    return _json({"channel": channel, "symbol": asked.symbol, "sendTime": now, "privateDeals": fields})


def placed(order: Listed) -> bytes:
    """The answer to a new order: it tells no status, and no client_order_id."""
    asked = order.asked
    fields = {"symbol": asked.symbol, "orderId": order.id, "orderListId": -1, "price": f"{asked.price or 0}"}
    fields |= {"origQty": f"{asked.quantity or 0}", "origQuoteOrderQty": f"{asked.quote_quantity or 0}"}
    return _json({**fields, "type": asked.type, "side": asked.side, "transactTime": order.created})


def canceled(order: Listed) -> bytes:
    """The answer to a cancel: it tells no time, and names the order by `origClientOrderId`."""
    fields = {name: value for name, value in _order(order).items() if name not in ("time", "updateTime")}
    return _json({**fields, "origClientOrderId": order.asked.client_order_id, "clientOrderId": "the-cancel"})


def queried(order: Listed) -> bytes:
    """The answer to a query."""
    return _json(_order(order))


def refused() -> bytes:
    """The answer to what cannot be done."""
    return _json({"code": -2011, "msg": "Unknown order sent."})


def orders(listed: Iterable[Listed]) -> bytes:
    """GET /api/v3/allOrders."""
    return _json([_order(order) for order in listed])


def trades(deals: Iterable[Deal]) -> bytes:
    """GET /api/v3/myTrades."""
    return _json([_trade(deal) for deal in deals])


def deposits(moved: Iterable[Moved], now: int) -> bytes:
    """GET /api/v3/capital/deposit/hisrec."""
    rows = []
    for row in moved:
        if row.amount > 0:
            fields = {"coin": row.asset, "amount": f"{row.amount}", "network": "N", "txId": row.id, "address": "a"}
            rows.append({**fields, "status": 5 if row.done <= now else 4, "insertTime": _whole_seconds(row.time)})
    return _json(rows)


def withdrawals(moved: Iterable[Moved], now: int) -> bytes:
    """GET /api/v3/capital/withdraw/history."""
    rows = []
    for row in moved:
        if row.amount < 0:
            fields = {"id": row.id, "coin": f"{row.asset}-N", "amount": f"{-row.amount}", "transactionFee": "0"}
            rows.append({**fields, "status": 7 if row.done <= now else 6, "applyTime": row.time})
    return _json(rows)


def account(totals: Mapping[str, Decimal], listed: Iterable[Listed]) -> bytes:
    """GET /api/v3/account: it tells no time."""
    locked = dict.fromkeys(totals, Decimal(0))
    for order in listed:
        if order.is_open:
            base, quote = PAIRS[order.asked.symbol]
            if order.asked.side is OrderSide.SELL:
                locked[base] += (order.asked.quantity or 0) - order.executed
            elif order.asked.price and order.asked.quantity:
                locked[quote] += order.asked.price * (order.asked.quantity - order.executed)
    rows = []
    for asset, total in totals.items():
        held = min(locked[asset], total)
        rows.append({"asset": asset, "free": f"{total - held:f}", "locked": f"{held:f}"})
    return _json({"canTrade": True, "updateTime": None, "accountType": "SPOT", "balances": rows})


def _order(order: Listed) -> dict[str, Any]:
    asked = order.asked
    return {
        "symbol": asked.symbol,
        "orderId": order.id,
        "clientOrderId": asked.client_order_id,
        "price": f"{asked.price or PRICE_OF_MARKET}",
        "origQty": f"{asked.quantity or 0}",
        "executedQty": f"{order.executed}",
        "cummulativeQuoteQty": f"{order.cost}",
        "status": order.status,
        "type": asked.type,
        "side": asked.side,
        "time": _whole_seconds(order.created),
        "updateTime": _whole_seconds(order.updated),
        "origQuoteOrderQty": f"{asked.quote_quantity or 0}",
    }


PRICE_OF_MARKET = "11.5"
"""A MARKET order has none, but the exchange writes one."""


def _trade(deal: Deal) -> dict[str, Any]:
    return {
        "symbol": deal.order.asked.symbol,
        "id": deal.id,
        "orderId": deal.order.id,
        "price": f"{deal.price}",
        "qty": f"{deal.quantity}",
        "quoteQty": f"{deal.cost}",
        "commission": f"{deal.commission:f}",
        "commissionAsset": deal.commission_asset,
        "time": _whole_seconds(deal.time),
        "isBuyer": deal.order.asked.side is OrderSide.BUY,
        "isMaker": deal.is_maker,
        "clientOrderId": None,
    }


def _whole_seconds(time: int) -> int:
    return time // 1000 * 1000


def _json(value: object) -> bytes:
    return json.dumps(value).encode()
