"""Metacore from end to end: an account at an exchange, its orders and fills, and money that adds up.

    python examples/quickstart.py                     a private PostgreSQL, made for this run and gone after it
    python examples/quickstart.py memory://           the same without a server
    python examples/quickstart.py postgresql://...    any server where `metacore deploy` was run

It replays messages in MEXC's own format from examples/data/mexc, and exits with 1 if the money does not add up.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

import metacore
from metacore import ExecutionReport, InvalidTransitionError, NewOrder, NewTrade, Order, OrderSide, OrderType
from metacore.exchanges import mexc


async def main(url: str) -> bool:
    clock = ReplayClock()  # a service leaves the clock out
    async with metacore.connect(url, clock=clock) as storage:
        heading("1. The account, as the exchange tells it")
        # Amounts go from the exchange's texts to Decimal, never through a float.
        kyc_status = mexc.kyc_status(sample("kyc_status.json"))
        new = metacore.NewUser(username=f"alice-{metacore.new_id()}", kyc_status=kyc_status)
        user = await storage.users.create(new)
        trading = metacore.TradingService(storage)
        account = await trading.sync_account(user.id, mexc.account(sample("account.json")))
        show("Asset Free Locked", [(row.asset, row.free, row.locked) for row in account.balances])

        # What MEXC's messages do not tell: whose they are, and what BTCUSDT is made of. No symbol is ever guessed.
        symbols = mexc.Symbols.from_exchange_info(sample("exchange_info.json"))
        known: dict[str, Any] = {"user_id": user.id, "symbols": symbols}
        stream = sample("stream.jsonl").splitlines()

        async def replay(messages: Iterable[bytes]) -> list[Row]:
            rows = []
            for message in messages:
                event = mexc.stream_event(message, **known)
                if isinstance(event, NewTrade):
                    clock.now = event.traded_at
                    rows.append(row_of("stream", event, await trading.settle_trade(event)))
                elif isinstance(event, ExecutionReport):
                    clock.now = event.occurred_at
                    rows.append(row_of("stream", event, await trading.apply_report(event)))
            return rows

        heading("2. A BUY: placed, reported, filled")
        # Stored with its hold before it is sent: a time-out of the request loses nothing.
        clock.now = at("02:40:00")
        buy = await trading.place_order(NewOrder(
            user_id=user.id, symbol="BTCUSDT", base_asset="BTC", quote_asset="USDT", client_order_id="demo-buy-btc",
            side=OrderSide.BUY, type=OrderType.LIMIT, price=Decimal(50000), quantity=Decimal("0.02"),
        ))  # fmt: skip
        answer = mexc.report(sample("order_new.json"), order_id=buy.id, **known)
        rows = [("here", "BTCUSDT placed", "", *state(buy)), row_of("REST", answer, await trading.apply_report(answer))]
        # A fill comes as a trade, which moves the money, and in a report of the order. Either may be first, or twice.
        show(COLUMNS, rows + await replay(stream[:5]))

        heading("3. What cannot be is refused")
        try:
            await trading.apply_report(mexc.stream_report(sample("stream_illegal.json"), **known))
        except InvalidTransitionError as error:
            say(f"refused: {name(buy)} cannot go from {error.previous} to {error.requested}; nothing was written")
        else:
            raise AssertionError("a filled order was cancelled")

        heading("4. A SELL: filled in part, then cancelled")
        clock.now = at("02:40:20")
        sell = await trading.place_order(NewOrder(
            user_id=user.id, symbol="MXUSDT", base_asset="MX", quote_asset="USDT", client_order_id="demo-sell-mx",
            side=OrderSide.SELL, type=OrderType.LIMIT, price=Decimal("2.5"), quantity=Decimal(40),
        ))  # fmt: skip
        rows = [("here", "MXUSDT placed", "", *state(sell)), *await replay(stream[5:8])]
        # The wish to cancel keeps the hold, for the order may still be filled: only the exchange's word closes it.
        clock.now = at("02:40:30")
        sell = await trading.cancel_order(user.id, sell.id, "too slow")
        rows.append(("here", "MXUSDT to be cancelled", "", *state(sell)))
        answer = mexc.report(sample("order_cancel.json"), occurred_at=storage.now(), **known)
        rows.append(row_of("REST", answer, await trading.apply_report(answer)))
        show(COLUMNS, rows + await replay(stream[8:9]))

        heading("5. An order that was placed elsewhere, and a trade that is here before it")
        # The trade is kept and waits for its order: nothing that the exchange did is ever lost.
        show(COLUMNS, await replay(stream[9:]))

        heading("6. Connected anew: the exchange is asked for everything, just in case")
        # What was settled is not settled twice, what waited is settled now, an order that was missed is taken over.
        clock.now = at("02:41:00")
        trades = mexc.trades(sample("my_trades.json"), user_id=user.id)
        reports = mexc.reports(sample("open_orders.json"), source=metacore.UpdateSource.RECONCILE, **known)
        settled, applied = await trading.settle_trades(trades), await trading.apply_reports(reports)
        rows = [row_of("REST", trade, result) for trade, result in zip(trades, settled, strict=True)]
        show(COLUMNS, rows + [row_of("REST", report, result) for report, result in zip(reports, applied, strict=True)])

        heading("7. The newest three orders, and the next page")
        page = await storage.orders.list(user.id, limit=3)
        fields = "symbol side status quantity executed_quantity average_price"
        rows = [(name(order), *values(order, fields)) for order in page.items]
        show("Order Symbol Side Status Quantity Executed Average", rows)
        page = await storage.orders.list(user.id, after=page.next, limit=3)
        say(", ".join(f"{name(order)} {order.status}" for order in page.items))

        heading(f"8. The history of {name(sell)}")
        history = await storage.order_updates.list(user.id, sell.id)
        fields = "seq occurred_at source previous_status status executed_quantity outcome"
        show("Seq Time Source From To Executed Outcome", [values(update, fields) for update in history])

        heading("9. The journal of USDT: one line for each cause")
        journal = await storage.balances.entries(user.id, "USDT")
        fields = "seq occurred_at reason delta_free delta_locked free_after locked_after"
        show("Seq Time Reason +Free +Locked Free Locked", [values(entry, fields) for entry in journal.items])

        heading("10. The balances, and what the exchange says they are")
        theirs = {row.asset: row.total for row in mexc.account(sample("account_after.json")).balances}
        ours = await storage.balances.list(user.id)
        rows = [(*values(balance, "asset free locked total"), theirs.get(balance.asset)) for balance in ours]
        show("Asset Free Locked Total Exchange", rows)
        agreed = theirs == {balance.asset: balance.total for balance in ours}
        findings = await storage.balances.audit(user.id)
        say(f"The exchange {'agrees' if agreed else 'DISAGREES'}; the audit found {list(findings) or 'nothing'}.")
        return agreed and not findings


# From here on: the clock of the replay, and how things are printed.

Row = tuple[Any, ...]
COLUMNS = "From Message Outcome Order Executed Holds _"
CONSOLE = Console(highlight=False, width=None if sys.stdout.isatty() else 100)


class ReplayClock:
    """The storage's clock: it stands at the time of the message that is replayed."""

    now = datetime(2026, 2, 2, 2, 39, 50, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def at(time: str) -> datetime:
    return datetime.fromisoformat(f"2026-02-02T{time}+00:00")


def sample(file_name: str) -> bytes:
    return (Path(__file__).parent / "data" / "mexc" / file_name).read_bytes()


def name(order: Order) -> str:
    return order.client_order_id or f"...{(order.exchange_order_id or '')[-4:]}"


def row_of(source: str, event: NewTrade | ExecutionReport, result: Any) -> Row:
    if isinstance(event, NewTrade):
        message = f"{event.symbol} {event.quantity:f} at {event.price:,f}"
    else:
        message = f"{event.order.symbol if event.order else ''} {event.status}"
    return source, message, result.outcome, *state(result.order)


def state(order: Order | None) -> Row:
    if order is None:
        return "", None, None, ""
    held = (order.held_amount, order.held_asset) if order.held_amount else (None, "")
    return order.status, order.executed_quantity, *held


def values(row: Any, fields: str) -> Row:
    return tuple(getattr(row, field) for field in fields.split())


def heading(text: str) -> None:
    CONSOLE.print(Text(f"\n{text}", style="bold"))


def say(text: str) -> None:
    CONSOLE.print(Text(f" {text}"), soft_wrap=True)


def show(columns: str, rows: Sequence[Row]) -> None:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False)
    cells = [texts(title.strip("_"), row) for title, row in zip(columns.split(), zip(*rows, strict=True), strict=True)]
    for title, *_ in cells:
        table.add_column(title, no_wrap=True)
    for row in zip(*(column[1:] for column in cells), strict=True):
        table.add_row(*map(Text, row))
    CONSOLE.print(table)


def texts(title: str, column: Sequence[Any]) -> list[str]:
    """The texts of a column below its title; amounts stand point below point."""
    if not any(isinstance(value, Decimal) for value in column):
        return [title, *(f"{value:%H:%M:%S}" if isinstance(value, datetime) else str(value or "") for value in column)]
    parts = [("" if value is None else f"{value:,f}").partition(".") for value in column]
    places = max(len(point + fraction) for _, point, fraction in parts)
    amounts = [whole + (point + fraction).ljust(places) for whole, point, fraction in parts]
    return [text.rjust(max(map(len, [title, *amounts]))) for text in (title, *amounts)]


if __name__ == "__main__":
    try:
        adds_up = asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "embedded:"))
    except metacore.MetacoreError as error:
        sys.exit(f"error: {error}")
    sys.exit(0 if adds_up else 1)
