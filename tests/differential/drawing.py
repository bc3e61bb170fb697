"""What the differential machines draw from: few ids and amounts, so that they meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from metacore.domain.commerce.order_records import OrderRecord, parse_order_record
from metacore.domain.market.bars import minute_of
from metacore.domain.messages.dead_letters import DeadLetter
from metacore.domain.messages.events import NewEvent
from metacore.domain.people.sessions import NewSession
from metacore.domain.people.users import KycStatus, NewUser, UserPatch
from metacore.domain.trading.balances import AccountBalance, BalanceDelta, EntryFilter, EntryReason
from metacore.domain.trading.decisions import Changes, FactWindow, Selection
from metacore.domain.trading.order_ids import OrderIds
from metacore.domain.trading.order_updates import NewOrderUpdate, UpdateOutcome, UpdateSource
from metacore.domain.trading.orders import NewOrder, Order, OrderFilter, OrderSide, OrderStatus, OrderType
from metacore.domain.trading.reports import ExecutionReport
from metacore.domain.trading.reservations import NewReservation
from metacore.domain.trading.snapshots import AccountSnapshot
from metacore.domain.trading.trades import NewTrade, Trade, TradeFilter, TradeState
from metacore.domain.values.amounts import ATTO, LIMIT, addition, round_down
from metacore.testing.clock import START
from metacore.testing.factories import BarPartFactory

USERS = [UUID(int=2**127 + 1), UUID(int=2), UUID(int=3)]
"""Two that are there from the beginning, and one that is not."""

RESERVATIONS = [UUID(int=n << 96) for n in range(1, 7)]
ORDERS = [UUID(int=n << 64) for n in range(1, 13)]
TRADES = [UUID(int=n << 32) for n in range(1, 41)]
FUNDS = {"USDT": Decimal(1_000_000), "BTC": Decimal(100), "MX": Decimal(1000)}
PAIRS = {"BTCUSDT": ("BTC", "USDT"), "MXUSDT": ("MX", "USDT"), "BTCMX": ("BTC", "MX")}

users = st.sampled_from([*USERS[:2], *USERS[:2], *USERS])
order_ids = st.sampled_from(ORDERS)
trade_ids = st.sampled_from(TRADES)
client_ids = st.sampled_from(["C1", "C2", "C3", "'; --", "Ü \\"])
exchange_ids = st.sampled_from(["X1", "X2", "X3", "X4", "\t\n"])
exchange_trade_ids = st.integers(1, 20).map(lambda n: f"T{n}")
symbols = st.sampled_from(list(PAIRS))
assets = st.sampled_from([*["USDT", "BTC", "MX", "ß"] * 3, "usdt"])
references = st.sampled_from(["R1", "R2", "R3"])
# Closer to each other than the tolerance of snapshots, and further; the last ones cannot be.
times = st.sampled_from([-7200, -60, *range(-8, 9), 30, 60, 200, 300, 7200]).map(
    lambda seconds: START + timedelta(seconds=seconds)
)
sides = st.sampled_from(OrderSide)
statuses = st.sampled_from(OrderStatus)
texts = st.sampled_from(["", "why", "'%s' $1", "👍", "\\N\t"])
raws = st.sampled_from([None, None, {}, {"a": [1, Decimal("1.0"), None, {"b": "\\"}]}])
limits = st.sampled_from([1, 2, 3, 100, 1000, 0, 1001])
versions = st.sampled_from([None, None, 1, 2, 3])


def amounts(*texts: str) -> st.SearchStrategy[Decimal]:
    return st.sampled_from([Decimal(text) for text in texts])


prices = amounts("50000", "49000", "3", "0.1", "3.333333333333333333", "0.000000000000000007")
quantities = amounts(
    "0.01", "0.02", "0.03", "1", "0.000000000000000005", "0.000000000000000015", "0.333333333333333333"
)
money = amounts("1000", "500", "1", "0.5", "0.000000000000000001", "0.333333333333333333", "600")
edges = amounts(
    "99999999999999999999999999999999999999.999999999999999999999999999999999999",
    "0.000000000000000000000000000000000001",
    "0.000000000000000001",
    "7",
)


def maybe(strategy: st.SearchStrategy[Any], default: Any = None) -> st.SearchStrategy[Any]:
    return st.one_of(st.just(default), strategy)


def mostly(strategy: st.SearchStrategy[Any], otherwise: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.sampled_from([strategy] * 9 + [otherwise]).flatmap(lambda chosen: chosen)


feeds = st.sampled_from(["live", "test"])
minutes = times.map(minute_of)
sources = st.sampled_from(["1", "2", "\\N"])
new_events = st.builds(
    NewEvent,
    id=st.integers(1, 10**6).map(lambda n: UUID(int=n)),
    topic=st.sampled_from(["1", "2"]),
    key=st.sampled_from(["1", "2"]),
    type=st.just("drawn"),
    payload=st.sampled_from([{}, {"a": [1, Decimal("1.0"), None]}]),
    headers=st.sampled_from([{}, {"a": "\\"}]),
    occurred_at=maybe(times),
)
bar_parts = st.builds(
    BarPartFactory.build,
    feed=feeds,
    symbol=sources,
    exchange=sources,
    starts_at=minutes,
    part=st.integers(1, 2).map(lambda n: UUID(int=n)),
    count=st.integers(1, 3),
)
dead_letters = st.builds(
    DeadLetter,
    source=sources,
    position=sources,
    key=maybe(texts),
    value=st.sampled_from([b"", b"\0\xff", None]),
    headers=st.sampled_from([{}, {"a": "\\"}]),
    error=texts,
    field=maybe(texts),
    failed_at=times,
)


@st.composite
def new_orders(draw: Any, user: Any = users, order_id: Any = order_ids, status: Any = statuses) -> NewOrder:
    symbol = draw(symbols)
    base, quote = PAIRS[symbol]
    kind = draw(st.sampled_from([OrderType.LIMIT, OrderType.LIMIT, OrderType.MARKET, OrderType.IMMEDIATE_OR_CANCEL]))
    side = draw(sides)
    by_quote = kind is OrderType.MARKET and side is OrderSide.BUY and draw(st.booleans())
    return NewOrder(
        id=draw(order_id),
        user_id=draw(user),
        symbol=symbol,
        base_asset=base,
        quote_asset=quote,
        side=side,
        type=kind,
        status=draw(status),
        price=None if kind is OrderType.MARKET else draw(prices),
        quantity=None if by_quote else draw(quantities),
        quote_quantity=draw(money) if by_quote else None,
        client_order_id=draw(maybe(client_ids)),
        exchange_order_id=draw(maybe(exchange_ids)),
        reason=draw(maybe(texts)),
        transacted_at=draw(maybe(times)),
        raw=draw(raws),
    )


@st.composite
def names_of(draw: Any, known: Sequence[Order]) -> dict[str, Any]:
    """A user with ids of an order: mostly of one and the same that is stored."""
    kinds = draw(st.sampled_from(["id", "id", "exchange", "client", "id exchange", "id exchange client"]))
    if known and draw(st.integers(0, 9)):
        order = draw(st.sampled_from(known))
        names: dict[str, Any] = {"user_id": order.user_id, "order_id": order.id if "id" in kinds else None}
        exchange_id = draw(st.just(order.exchange_order_id) | exchange_ids)
        names["exchange_order_id"] = exchange_id if "exchange" in kinds else None
        names["client_order_id"] = order.client_order_id if "client" in kinds else None
        if not any(names[name] for name in ("order_id", "exchange_order_id", "client_order_id")):
            names["order_id"] = order.id
        return names
    return {
        "user_id": draw(users),
        "order_id": draw(order_ids) if "id" in kinds else None,
        "exchange_order_id": draw(exchange_ids) if "exchange" in kinds else None,
        "client_order_id": draw(client_ids) if "client" in kinds else None,
    }


def named(names: dict[str, Any], known: Sequence[Order]) -> Order | None:
    """The first of the `known` orders that one of `names` is an id of."""
    for order in known:
        if order.user_id == names["user_id"] and (
            order.id == names["order_id"]
            or names["exchange_order_id"] in (order.exchange_order_id, "")
            or names["client_order_id"] in (order.client_order_id, "")
        ):
            return order
    return None


@st.composite
def new_trades(draw: Any, known: Sequence[Order] = ()) -> NewTrade:
    """A trade, mostly one that fits an order that is stored."""
    names = draw(names_of(known))
    order = named(names, known) if draw(st.integers(0, 19)) else None
    symbol, side = (order.symbol, order.side) if order else (draw(symbols), draw(sides))
    if not draw(st.integers(0, 9)):
        symbol, side = draw(symbols), draw(sides)  # now and then the order says another
    quantity = draw(quantities)
    if order and order.quantity and draw(st.integers(0, 3)):
        quantity = draw(st.sampled_from([order.quantity, round_down(order.quantity / 2) or ATTO, quantity]))
    commission = draw(amounts("0", "0", "0.00001", "0.5", "-0.1", "0.000000000000000001"))
    return NewTrade(
        id=draw(trade_ids),
        **names,
        exchange_trade_id=draw(exchange_trade_ids),
        symbol=symbol,
        side=side,
        price=order.price if order and order.price and draw(st.booleans()) else draw(prices),
        quantity=quantity,
        quote_quantity=draw(st.sampled_from([None, None, None, draw(money), Decimal(0)])),
        commission=commission,
        commission_asset=draw(st.sampled_from([*PAIRS[symbol], *PAIRS[symbol], "ß"])) if commission else None,
        is_maker=draw(maybe(st.booleans())),
        traded_at=draw(times),
        raw=draw(raws),
    )


@st.composite
def reports(draw: Any, known: Sequence[Order] = ()) -> ExecutionReport:
    """A report, mostly of an order that is stored, with quantities around its own."""
    names = draw(names_of(known))
    order = named(names, known)
    executed = draw(maybe(st.one_of(quantities, amounts("0"))))
    if order and draw(st.integers(0, 3)):
        likely = {order.executed_quantity, order.quantity or order.executed_quantity, Decimal("0.01"), Decimal(0)}
        executed = draw(st.sampled_from(sorted(likely)))
    return ExecutionReport(
        **names,
        status=draw(statuses),
        executed_quantity=executed,
        executed_quote_quantity=draw(maybe(money)) if executed else None,
        reason=draw(maybe(texts)),
        source=draw(st.sampled_from(UpdateSource)),
        occurred_at=draw(times),
        cancel_refused=draw(st.booleans()),
        order=draw(maybe(new_orders(user=st.just(names["user_id"])))),
        raw=draw(raws),
    )


def keys_of(known: Sequence[Order]) -> st.SearchStrategy[Any]:
    """A user and the id of an order, mostly of one that is stored."""
    anything = st.tuples(users, order_ids)
    return mostly(st.sampled_from([order.key for order in known]), anything) if known else anything


@st.composite
def snapshots(draw: Any) -> AccountSnapshot:
    listed = draw(st.lists(assets, unique=True, max_size=2))
    listed += [asset for asset in FUNDS if asset not in listed and draw(st.integers(0, 3))]
    return AccountSnapshot(
        taken_at=draw(times),
        balances=tuple(
            AccountBalance(asset=asset, free=draw(mostly(st.just(FUNDS.get(asset, ATTO)), money)), locked=draw(money))
            for asset in listed
        ),
        can_trade=draw(maybe(st.booleans())),
    )


@st.composite
def near_snapshots(draw: Any, totals: Mapping[UUID, Mapping[str, Decimal]]) -> tuple[UUID, AccountSnapshot]:
    """A user, and a snapshot that tells what is stored, or by an amount more or less: facts may explain it."""
    user = draw(st.sampled_from(USERS[:2]))
    snapshot_totals = {}
    for asset, total in totals.get(user, {}).items():
        more = draw(st.sampled_from([Decimal(0)] * 3 + [Decimal("0.5"), Decimal(1), Decimal(500), Decimal(1000)]))
        changed = addition(total, more if draw(st.booleans()) else more.copy_negate())
        snapshot_totals[asset] = changed if 0 <= changed < LIMIT else total
    rows = tuple(AccountBalance(asset=asset, free=total) for asset, total in snapshot_totals.items() if total < LIMIT)
    return user, AccountSnapshot(taken_at=draw(times), balances=rows)


new_updates = st.builds(
    NewOrderUpdate,
    user_id=users,
    order_id=order_ids,
    previous_status=maybe(statuses),
    status=statuses,
    executed_quantity=quantities,
    executed_quote_quantity=money,
    outcome=st.sampled_from(UpdateOutcome),
    reason=maybe(texts),
    source=st.sampled_from(UpdateSource),
    occurred_at=times,
    raw=raws,
)

deltas = st.builds(
    BalanceDelta,
    user_id=users,
    asset=assets,
    delta_free=st.one_of(money, money.map(lambda amount: -amount), edges),
    delta_locked=st.one_of(amounts("0", "1", "-1"), edges),
    reason=st.sampled_from(EntryReason),
    reference=maybe(references),
    occurred_at=times,
)

balances = st.builds(AccountBalance, asset=assets, free=st.one_of(money, edges, amounts("0")), locked=amounts("0", "2"))

new_users = st.builds(
    NewUser,
    id=users,
    exchange=st.sampled_from(["MEXC", "MEXC", "OTHER"]),
    uid=maybe(st.sampled_from(["1", "2"])),
    username=maybe(st.sampled_from(["alice", "bob", "ALICE"])),
    email=maybe(st.sampled_from(["a@example.com", "A@example.com"])),
    telegram_id=maybe(st.sampled_from([1, 2**63 - 1])),
    kyc_status=st.sampled_from(KycStatus),
)

_PATCHES: dict[str, st.SearchStrategy[Any]] = {
    "uid": maybe(st.sampled_from(["1", "2"])),
    "username": maybe(st.sampled_from(["alice", "bob", "ALICE"])),
    "email": maybe(st.sampled_from(["a@example.com", "A@example.com"])),
    "exchange": st.sampled_from(["MEXC", "OTHER"]),
    "is_active": st.booleans(),
    "permissions": st.sampled_from([(), ("SPOT",), ("{,}", "NULL", 'a"b\\')]),
}
patches = st.lists(st.sampled_from(list(_PATCHES)), unique=True, max_size=3).flatmap(
    lambda names: st.fixed_dictionaries({name: _PATCHES[name] for name in names}).map(
        lambda fields: UserPatch(**fields)
    )
)

password_hashes = st.sampled_from(["hash", "other hash", "\\"])
session_ids = st.integers(1, 2).map(lambda n: UUID(int=n))
digests = st.integers(1, 3).map(lambda n: bytes([n]) * 32)
graces = st.sampled_from([timedelta(0), timedelta(seconds=10), timedelta(hours=1), timedelta(hours=2)])
new_sessions = st.builds(
    NewSession,
    user_id=users,
    id=session_ids,
    token_hash=digests,
    label=maybe(st.just("a 'label'")),
    idle_until=times,
    expires_at=times.map(lambda moment: moment + timedelta(hours=4)),
)

reservation_ids = st.sampled_from(RESERVATIONS)
new_reservations = st.builds(
    NewReservation,
    id=reservation_ids,
    user_id=users,
    asset=assets,
    amount=money,
    reference=references,
    expires_at=maybe(times),
)

flags = st.builds(UserPatch, is_active=mostly(st.just(True), st.just(False)), can_trade=st.just(True)) | st.builds(
    UserPatch, can_trade=st.booleans(), can_withdraw=st.booleans()
)

order_filters = st.builds(
    OrderFilter,
    symbol=maybe(symbols),
    status=maybe(statuses | st.lists(statuses, min_size=1, max_size=4)),
    side=maybe(sides),
    since=maybe(times),
    until=maybe(times),
)
entry_filters = st.builds(
    EntryFilter,
    asset=maybe(assets),
    reason=maybe(st.sampled_from(EntryReason)),
    since=maybe(times),
    until=maybe(times),
)
trade_filters = st.builds(
    TradeFilter,
    symbol=maybe(symbols),
    state=maybe(st.sampled_from(TradeState)),
    side=maybe(sides),
    since=maybe(times),
    until=maybe(times),
)
named_orders = st.tuples(
    users,
    st.builds(
        OrderIds,
        order_id=maybe(order_ids),
        exchange_order_id=maybe(exchange_ids),
        client_order_id=maybe(client_ids),
    ),
)
selections = st.builds(
    Selection,
    users=st.frozensets(users, max_size=2),
    exclusive_users=st.booleans(),
    orders=st.lists(named_orders, max_size=3).map(tuple),
    trades=st.lists(st.tuples(users, symbols, exchange_trade_ids), max_size=3).map(tuple),
    entries=st.lists(
        st.tuples(users, st.sampled_from([EntryReason.DEPOSIT, EntryReason.WITHDRAWAL]), references), max_size=2
    ).map(tuple),
    trade_ids=st.lists(st.tuples(users, trade_ids), max_size=2).map(tuple),
    reservations=st.lists(st.tuples(users, reservation_ids), max_size=2).map(tuple),
    reservation_references=st.lists(st.tuples(users, assets, references), max_size=2).map(tuple),
    user_transfers=st.lists(st.tuples(users, references), max_size=2).map(tuple),
    skip_locked=st.booleans(),
    balances=st.booleans(),
    unsettled=st.booleans(),
    stale_updates=st.booleans(),
    update_seqs=st.booleans(),
    locked_balances=st.lists(st.tuples(users, assets), max_size=2).map(tuple),
    stored_balances=st.lists(st.tuples(users, assets), max_size=2).map(tuple),
    balances_of_orders=st.booleans(),
    holding=st.booleans(),
    facts=maybe(
        st.builds(
            FactWindow,
            tolerance=st.sampled_from([timedelta(0), timedelta(minutes=5)]),
            around=maybe(times),
            later=st.booleans(),
        )
    ),
)


@st.composite
def saved_orders(draw: Any) -> Order:
    order = Order.created(draw(new_orders()), START)
    return order.changed(
        version=draw(st.sampled_from([1, 1, 2, 2, 3])),
        settled_quantity=draw(quantities),
        held_asset="USDT",
        held_amount=draw(amounts("0", "0", "1")),
    )


@st.composite
def saved_trades(draw: Any) -> Trade:
    trade = Trade.created(draw(new_trades()), START, draw(st.sampled_from(TradeState)))
    return trade.changed(version=draw(st.sampled_from([1, 1, 2, 2, 3])))


def one_for_each_user(strategy: Any) -> Any:
    return st.lists(strategy, max_size=2, unique_by=lambda row: row.user_id).map(tuple)


changes = st.builds(
    Changes,
    orders=one_for_each_user(saved_orders()),
    order_updates=st.lists(new_updates, max_size=2).map(tuple),
    trades=one_for_each_user(saved_trades()),
    balance_deltas=st.lists(deltas, max_size=3).map(tuple),
    user_patches=st.dictionaries(users, patches, max_size=1),
)


_ITEMS: list[dict[str, Any]] = [{}, {"price": 453}, {"name": "\\", "unknown": 1}]


@st.composite
def order_records(draw: Any) -> OrderRecord:
    record = {
        "order_uid": draw(st.sampled_from(["1", "2", "3"])),
        "track_number": draw(st.sampled_from(["T", "", None])),
        "customer_id": draw(st.sampled_from(["test", "other"])),
        "payment": draw(st.sampled_from([None, {}, {"amount": 1}, {"amount": Decimal("1.0"), "unknown": [None]}])),
        "items": draw(st.lists(st.sampled_from(_ITEMS), min_size=1, max_size=3)),
        "date_created": draw(times).isoformat(),
    }
    return parse_order_record({name: record[name] for name in draw(st.permutations(list(record)))})
