"""MEXC spot v3: what the exchange answers and pushes, as domain models.

One payload, one function. A payload is JSON text (bytes in UTF-8, or str) or what was parsed from it without floats;
a push is also protobuf, as bytes, with the extra `mexc`. Every function raises InvalidDataError alone: `field` is the
path of what is wrong in the payload, `raw` its bytes. Where the exchange answers with an error of its own, that is an
ExchangeError with its `code` and `msg`, and a SubscriptionError where it refuses a subscription.

- REST: `account`, `user_patch`, `kyc_status`, `order`, `orders`, `report`, `reports`, `batch_report`, `batch_reports`,
  `trade`, `trades`, `deposit`, `deposits`, `withdrawal`, `withdrawals`, `server_time`, `header_time`
- Streams: `stream_report`, `stream_trade`, `stream_balance`, or `stream_event` for whichever it is
- Payloads of any kind in any order, for `Reconciler`: `exchange_state`
- Base and quote of a symbol: `Symbols`

Those of lists (`orders`, `reports`, `batch_reports`, `trades`, `deposits`, `withdrawals`) and `account` take all or
nothing; with `.readable`, as in `mexc.reports.readable(...)`, they give what can be read and tell of each bad item.

Sources: https://mexcdevelop.github.io/apidocs/spot_v3_en/ (REST) and
https://www.mexc.com/api-docs/spot-v3/websocket-user-data-streams (streams).
"""

from metacore.exchanges.mexc.account import account, kyc_status, user_patch
from metacore.exchanges.mexc.answers import header_time, server_time
from metacore.exchanges.mexc.batches import batch_report, batch_reports
from metacore.exchanges.mexc.orders import order, orders, report, reports
from metacore.exchanges.mexc.state import exchange_state
from metacore.exchanges.mexc.stream import (
    BalanceUpdate,
    StreamEvent,
    stream_balance,
    stream_event,
    stream_report,
    stream_trade,
)
from metacore.exchanges.mexc.trades import trade, trades
from metacore.exchanges.mexc.transfers import deposit, deposits, withdrawal, withdrawals
from metacore.exchanges.payloads import Payload
from metacore.exchanges.symbols import Symbols

__all__ = [
    "BalanceUpdate",
    "Payload",
    "StreamEvent",
    "Symbols",
    "account",
    "batch_report",
    "batch_reports",
    "deposit",
    "deposits",
    "exchange_state",
    "header_time",
    "kyc_status",
    "order",
    "orders",
    "report",
    "reports",
    "server_time",
    "stream_balance",
    "stream_event",
    "stream_report",
    "stream_trade",
    "trade",
    "trades",
    "user_patch",
    "withdrawal",
    "withdrawals",
]
