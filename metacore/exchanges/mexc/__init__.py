"""MEXC spot v3: what the exchange answers and pushes, as domain models.

One payload, one function. A payload is JSON text (bytes in UTF-8, or str) or what was parsed from it without floats.
Every function raises InvalidDataError alone: `field` is the path of what is wrong in the payload, `raw` its bytes.

- REST: `account`, `user_patch`, `kyc_status`, `order`, `orders`, `report`, `reports`, `trade`, `trades`
- Streams: `stream_report`, `stream_trade`, `stream_balance`, or `stream_event` for whichever it is
- Base and quote of a symbol: `Symbols`

Sources: https://mexcdevelop.github.io/apidocs/spot_v3_en/ (REST) and
https://www.mexc.com/api-docs/spot-v3/websocket-user-data-streams (streams).
"""

from metacore.exchanges.mexc.account import account, kyc_status, user_patch
from metacore.exchanges.mexc.orders import order, orders, report, reports
from metacore.exchanges.mexc.payloads import Payload
from metacore.exchanges.mexc.stream import (
    BalanceUpdate,
    StreamEvent,
    stream_balance,
    stream_event,
    stream_report,
    stream_trade,
)
from metacore.exchanges.mexc.symbols import Symbols
from metacore.exchanges.mexc.trades import trade, trades

__all__ = [
    "BalanceUpdate",
    "Payload",
    "StreamEvent",
    "Symbols",
    "account",
    "kyc_status",
    "order",
    "orders",
    "report",
    "reports",
    "stream_balance",
    "stream_event",
    "stream_report",
    "stream_trade",
    "trade",
    "trades",
    "user_patch",
]
