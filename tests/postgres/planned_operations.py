"""One call at least of each operation whose cost must not grow with the tables."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import count
from uuid import UUID

from metacore import Credentials, EntryFilter, OrderFilter, OrderStatus, TradeFilter
from metacore.backends.listing import Listing
from metacore.domain.trading.archiving import History
from metacore.sync import LedgerService, TradingService
from metacore.testing.factories import (
    BarPartFactory,
    DeadLetterFactory,
    ExecutionReportFactory,
    NewEventFactory,
    NewOrderFactory,
    NewOrderUpdateFactory,
    NewReservationFactory,
    NewSessionFactory,
    NewTradeFactory,
    NewUserFactory,
    OrderRecordFactory,
)

LONG_AGO = datetime(2019, 1, 1, tzinfo=UTC)


FILLED = Listing("orders.in_status", (OrderStatus.FILLED,), (UUID, datetime, UUID))


numbers = count()


def credentials():
    return Credentials(api_key=f"key-{next(numbers)}", api_secret="secret")


def placed(storage, known, user_id=None):
    order = NewOrderFactory.build(user_id=user_id or known.id, symbol="BTCUSDT", base_asset="BTC", quote_asset="USDT")
    return TradingService(storage).place_order(order)


def rich(storage):
    user = storage.users.create(NewUserFactory.build())
    for asset in ("USDT", "BTC", "ETH"):
        TradingService(storage).deposit(user.id, asset, Decimal(10**9), f"opening-{asset}")
    return user


def delete_user(storage, known):
    user = rich(storage)
    order = placed(storage, known, user.id)
    TradingService(storage).settle_trade(NewTradeFactory.build(of=order, user_id=user.id))
    storage.portfolios.put(user.id, "BTCUSDT", Decimal(1))
    storage.users.set_credentials(user.id, credentials())
    storage.users.delete(user.id)


def saved(storage, known):
    records = [OrderRecordFactory.build() for _ in range(5)]
    storage.order_records.save_many(records)
    storage.order_records.save_many([record.model_copy(update={"items": record.items[:1]}) for record in records])
    storage.order_records.delete(records[0].order_uid)


def reserved(storage, known):
    ledger = LedgerService(storage)
    new = partial(NewReservationFactory.build, user_id=known.id, amount=1)
    made = ledger.reserve_all([new(expires_at=each) for each in (None, None, None, LONG_AGO, LONG_AGO)])
    ledger.post(*made[0].key, to=rich(storage).id)
    ledger.void(*made[1].key)
    ledger.expire_due()
    storage.reservations.get_by_reference(*made[2].named)
    for state in (None, "PENDING"):
        storage.reservations.list(known.id, state, limit=3)
    ledger.void(*made[2].key)
    ledger.transfer(known.id, rich(storage).id, "USDT", Decimal(1), f"to-{next(numbers)}")


def resolved(storage, known):
    letter = DeadLetterFactory.build(source="other")
    storage.dead_letters.put(letter)
    storage.dead_letters.resolve(letter.source, letter.position, "DISCARDED")


def of_outbox(storage, known):
    outbox, key = storage.outbox, ("trading", "order")
    outbox.append(NewEventFactory.build() for _ in range(5))
    claim = outbox.claim(["trading"], keys=1, per_key=2)
    outbox.park(claim.id, *key, claim.events[0].seq, "error")
    outbox.retry(claim.id, *key, "error", claim.leased_until - timedelta(days=1))
    while (claim := outbox.claim(["trading"], keys=1)).keys:
        outbox.done(claim.id, claim.upto)
    outbox.read(*key, limit=3)
    outbox.purge(datetime.now(UTC), limit=5)


def taken(storage, known):
    orders = [storage.orders.create(NewOrderFactory.build(user_id=known.id)) for _ in range(5)]
    updates = storage.order_updates.append_many([NewOrderUpdateFactory.build(of=order) for order in orders])
    trades = [storage.trades.create(NewTradeFactory.build(of=order)) for order in orders]
    storage.balances.put(known.id, "GONE", Decimal(next(numbers)), Decimal(0))
    entries = storage.balances.entries(known.id, "GONE").items
    rows_of = {"orders": orders, "order_updates": updates, "trades": trades, "entries": entries}
    storage.archives.take(History(user_id=known.id, **{kind: tuple(rows) for kind, rows in rows_of.items()}), "digest")


def signed_in(storage, known):
    session = storage.sessions.create(NewSessionFactory.build(user_id=known.id))
    hashes = [session.token_hash, bytes(32), bytes(32)]
    moment = datetime.now(UTC)
    for _ in range(3):
        storage.sessions.rotate(known.id, session.id, *hashes, moment, timedelta(seconds=10))
    storage.sessions.get(known.id, session.id)
    storage.sessions.list(known.id)
    storage.sessions.end(known.id, storage.sessions.create(NewSessionFactory.build(user_id=known.id)).id, "ended")
    storage.sessions.end_all(known.id, "ended")
    storage.sessions.purge(datetime.now(UTC) + timedelta(days=365), limit=5)


OPERATIONS = {
    "users": lambda s, k: [
        s.users.get(k.id),
        s.users.get_by_uid(k.user.uid),
        s.users.get_by_username(k.user.username),
        s.users.get_by_email(k.user.email),
        s.users.get_by_telegram_id(k.user.telegram_id),
        s.users.list(limit=3),
        s.users.list(active=True, limit=3),
        s.users.list(active=False, limit=3),
    ],
    "users.delete": delete_user,
    "users.set_credentials": lambda s, k: s.users.set_credentials(k.id, credentials()),
    "orders": lambda s, k: [
        s.orders.get(k.id, k.order.id),
        s.orders.get_by_client_order_id(k.id, k.order.client_order_id),
        s.orders.get_many([(k.id, k.order.id)]),
        s.orders.list(k.id, limit=3),
    ],
    "orders.list": lambda s, k: [
        s.orders.list(k.id, OrderFilter(**fields), limit=3)
        for fields in (
            {"symbol": "RARE"},
            {"status": "NEW"},
            {"status": "EXPIRED"},
            {"status": ("EXPIRED", "CANCELED", "PENDING_CANCEL", "NEW")},
            {"symbol": "RARE", "status": "FILLED"},
            {"symbol": "RARE", "status": ("FILLED", "NEW", "REJECTED")},
            {"symbol": "RARE", "side": "SELL", "since": LONG_AGO},
        )
    ],
    "of all users": lambda s, k: [
        s.orders.in_status("PENDING_CANCEL"),
        s.orders.in_status("FILLED", limit=3),
        s.orders.in_status("FILLED", after=FILLED.cursor((k.id, LONG_AGO, k.id)), limit=3),
        s.trades.pending(),
        s.balances.unexplained(),
    ],
    "orders.list_open": lambda s, k: s.orders.list_open(k.id),
    "orders.create_many": lambda s, k: s.orders.create_many([NewOrderFactory.build(user_id=k.id) for _ in range(5)]),
    "orders.delete": lambda s, k: s.orders.delete(k.id, s.orders.create(NewOrderFactory.build(user_id=k.id)).id),
    "order_updates.append_many": lambda s, k: s.order_updates.append_many(
        [NewOrderUpdateFactory.build(of=k.order, user_id=k.id) for _ in range(5)]
    ),
    "trades": lambda s, k: [
        s.trades.get(k.id, k.trade.id),
        s.trades.get_many([(k.id, k.trade.id)]),
        s.trades.get_by_exchange_trade_id(k.id, k.trade.symbol, k.trade.exchange_trade_id),
        s.trades.list(k.id, limit=3),
        s.trades.list_by_order(k.id, k.order.id),
        s.trades.list_pending(k.id),
    ],
    "trades.list": lambda s, k: [
        s.trades.list(k.id, TradeFilter(**fields), limit=3)
        for fields in (
            {"symbol": "RARE"},
            {"state": "PENDING"},
            {"state": "RECORDED"},
            {"symbol": "RARE", "state": "SETTLED", "until": datetime.now(UTC)},
        )
    ],
    "trades.create_many": lambda s, k: s.trades.create_many(
        [NewTradeFactory.build(of=k.order, user_id=k.id) for _ in range(5)]
    ),
    "balances": lambda s, k: [
        s.balances.get(k.id, "BTC"),
        s.balances.get_or_zero(k.id, "NONE"),
        s.balances.get_many([(k.id, "BTC"), (k.id, "USDT")]),
        s.balances.entries(k.id, "ETH", limit=3),
        s.balances.journal(k.id, limit=3),
    ],
    "balances.journal": lambda s, k: [
        s.balances.journal(k.id, EntryFilter(**fields), limit=3)
        for fields in ({"reason": "WITHDRAWAL"}, {"reason": "ADJUSTMENT", "asset": "RARE"})
    ],
    "balances.put": lambda s, k: s.balances.put(k.id, "XRP", Decimal(next(numbers)), Decimal(0)),
    "portfolios": lambda s, k: [s.portfolios.add(k.id, "ETHUSDT", Decimal(1)), s.portfolios.holders("ETHUSDT")],
    "order_records": lambda s, k: [
        s.order_records.get(k.record.order_uid),
        s.order_records.find(k.record.track_number),
        s.order_records.list(limit=3),
        s.order_records.list_by_customer(k.record.customer_id, limit=3),
    ],
    "order_records.save_many": saved,
    "bars": lambda s, k: [
        s.bars.add([BarPartFactory.build(), BarPartFactory.build(symbol="ETHUSDT")]),
        s.bars.add([k.part]),
        s.bars.summary("live", "BTCUSDT", LONG_AGO, datetime.now(UTC)),
        s.bars.summary("live", "BTCUSDT", LONG_AGO, datetime.now(UTC), "MEXC"),
        s.bars.latest("live", "BTCUSDT"),
        s.bars.latest("live", "BTCUSDT", "MEXC"),
        s.bars.list("live", "BTCUSDT", limit=3),
        s.bars.list("live", "BTCUSDT", "MEXC", LONG_AGO, limit=3),
        s.bars.purge("live", datetime.now(UTC), limit=5),
    ],
    "dead_letters": lambda s, k: [
        s.dead_letters.get("orders", k.letter.position),
        s.dead_letters.list(limit=3),
        s.dead_letters.list("orders", limit=3),
        s.dead_letters.list(resolved=True, limit=3),
        s.dead_letters.list("orders", resolved=True, limit=3),
        s.dead_letters.count("orders"),
    ],
    "reservations": reserved,
    "dead_letters.resolve": resolved,
    "outbox.append": lambda s, k: s.outbox.append(NewEventFactory.build() for _ in range(5)),
    "outbox": of_outbox,
    "inbox": lambda s, k: [
        s.inbox.accept("consumer", "trading", "order", next(numbers)),
        s.inbox.once("consumer", f"id {next(numbers)}"),
        s.inbox.purge(datetime.now(UTC), limit=5),
    ],
    "logins": lambda s, k: [
        s.logins.find(s.logins.register(NewUserFactory.build(), "hash") and k.user.username),
        s.logins.get(k.id),
        s.logins.set_password(k.id, "hash"),
        s.logins.fail(k.id),
        s.logins.admit(k.id, "hash"),
    ],
    "sessions": signed_in,
    "archives": lambda s, k: s.archives.list(k.id),
    "archives.take": taken,
    "deposit": lambda s, k: TradingService(s).deposit(k.id, "USDT", Decimal(2), f"in-{next(numbers)}"),
    "place_orders": lambda s, k: TradingService(s).place_orders(
        [NewOrderFactory.build(user_id=k.id, symbol="ETHUSDT", base_asset="ETH", quote_asset="USDT") for _ in range(5)]
    ),
    "apply_report": lambda s, k: TradingService(s).apply_report(
        ExecutionReportFactory.build(of=placed(s, k), user_id=k.id)
    ),
    "settle_trades": lambda s, k: TradingService(s).settle_trades(
        [NewTradeFactory.build(of=order, user_id=k.id) for order in [placed(s, k) for _ in range(5)]]
    ),
    "settle_pending": lambda s, k: TradingService(s).settle_pending(k.id),
}


class Known:
    """The user whose rows are looked for."""

    def __init__(self, storage):
        self.user = rich(storage)
        self.id = self.user.id
        self.order = placed(storage, self)
        self.trade = TradingService(storage).settle_trade(NewTradeFactory.build(of=self.order, user_id=self.id)).trade
        storage.portfolios.put(self.id, "BTCUSDT", Decimal(1))
        storage.users.set_credentials(self.id, credentials())
        self.record = OrderRecordFactory.build(customer_id="anna", track_number="track")
        self.letter = DeadLetterFactory.build()
        self.part = BarPartFactory.build()
        storage.bars.add([self.part])
        storage.dead_letters.put(self.letter)
        storage.inbox.accept("consumer", "trading", "order", 1)
        storage.inbox.once("consumer", "id")
        storage.logins.set_password(self.id, "hash")
        self.session = storage.sessions.create(NewSessionFactory.build(user_id=self.id))
        storage.outbox.append([NewEventFactory.build(topic=topic) for topic in ("idle", "trading")])
        storage.order_records.save_many([self.record, *(OrderRecordFactory.build() for _ in range(5))])
