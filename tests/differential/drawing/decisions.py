"""What a service loads and saves, drawn."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from metacore.domain.trading.balances import EntryReason
from metacore.domain.trading.decisions import Changes, FactWindow, Selection
from metacore.domain.trading.order_ids import OrderIds

from .balances import deltas
from .orders import new_updates, saved_orders
from .people import patches
from .trades import saved_trades
from .values import (
    assets,
    client_ids,
    exchange_ids,
    exchange_trade_ids,
    maybe,
    order_ids,
    references,
    reservation_ids,
    symbols,
    times,
    trade_ids,
    users,
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
