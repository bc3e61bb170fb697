"""Archiving: closed history is taken out of a storage, and audited together with what stayed."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

from metacore._compat.aio import Eventual, require_own_world
from metacore.domain.people.users import UserPatch
from metacore.domain.trading.archiving import (
    GRACE,
    ArchivePart,
    History,
    OrderHistory,
    archived_until,
    checkpoint,
    first_after,
    is_closed_entry,
    is_closed_order,
    is_closed_trade,
    may_be_closed,
    missing_orders,
    stays,
)
from metacore.domain.trading.audit import Audit, AuditFinding
from metacore.domain.trading.balances import Balance, BalanceEntry, BalanceHead, EntryFilter, EntryReason
from metacore.domain.trading.decisions import Changes, Feed, Loaded, Selection
from metacore.domain.trading.orders import OrderFilter
from metacore.domain.trading.trades import TradeFilter
from metacore.errors import NotFoundError
from metacore.services.transactions import in_transaction
from metacore.storage.storage import Storage, Storages, Transaction

Keep = Callable[[int, History], Eventual[str]]
"""Keeps, for good, the rows of the user's part of this number, and gives a digest of where they are."""

Found = tuple[History, str | None]
"""What is closed among the rows of a page, and where the next page begins; None at the end."""

Find = Callable[[Transaction, str | None], Eventual[Found]]
"""Looks at the page that begins there, and locks what of it is closed."""

_ORDERS, _ROWS = 200, 1000
"""How many orders, and how many rows of another kind, are looked at in one transaction, which keeps out their user."""


class Archiver:
    """Takes closed history out of a storage: orders with their updates and trades, other trades, and the journal.

    Closed is what nothing that is told later can change: see `metacore.domain.trading.archiving`. The journal of a
    balance goes up to the entry that a CHECKPOINT names, which moves nothing, and from which on `balances.audit` adds
    up; entries with the reference of a deposit or a withdrawal stay. A fact of a time before, which may have been taken
    out, is an ArchivedError from then on. `feed` is that of your `TradingService`: CHECKPOINT entries are events of it,
    what is taken out is not.
    """

    def __init__(self, storage: Storage, *, feed: str | None = None) -> None:
        require_own_world(storage, self)
        self._storage = storage
        self._feed = None if feed is None else Feed(feed)

    async def archive(self, user_id: UUID, before: datetime, keep: Keep) -> AsyncIterator[ArchivePart]:
        """Take out what is closed of the user's history and an hour older than `before`: the parts, one by one.

        Each part is a transaction, in which `keep` is called with its number and rows before they are deleted. It may
        be left, or broken off, at any time, and called again: what was not committed is still stored, and is kept under
        the same number then. `before` is brought down to the newest account snapshot. InvalidDataError if it is not in
        the past, NotFoundError if the user does not exist.
        """
        user = await self._storage.users.get(user_id)
        until = archived_until(user, before, self._storage.now())
        cut = until - GRACE
        firsts = await self._firsts(user_id, cut)
        set_checkpoints = partial(_set_checkpoints, user_id=user_id, until=until, firsts=firsts, feed=self._feed)
        await in_transaction(self._storage, set_checkpoints)
        taking = _Taking(self._storage, user_id, cut, keep)
        finds: list[Find] = [taking.closed_orders, taking.closed_trades]
        finds += [partial(taking.entries_before, asset=asset, first=first) for asset, first in firsts.items()]
        for find in finds:
            async for part in taking.parts(find):
                yield part

    async def audit(
        self, user_id: UUID, archived: Iterable[History], heads: Iterable[BalanceHead] = ()
    ) -> Sequence[AuditFinding]:
        """What disagrees in the whole history of the user: `archived`, in the order of the parts, and what is stored.

        That is what `balances.audit` finds, and what breaks the rules in the whole journal, in the orders that were
        taken out, or between these and what stayed; and entries that `heads` tell of and the history lacks. The user
        is locked while what is stored is read. NotFoundError if the user does not exist.
        """
        audit, staying = Audit(user_id, whole=True, heads=heads), await self._staying(user_id)
        for history in archived:
            for entry in history.entries:
                before = staying.get(entry.asset, deque())
                while before and before[0].seq < entry.seq:
                    audit.read_entries([before.popleft()])
                audit.read_entries([entry])
            audit.read_orders(history.orders_with_settled())
        async with self._storage.transaction() as tx:
            await _locked(tx, user_id)
            async for entry in tx.balances.stream_entries(user_id):
                if entry.seq > audit.last_seq(entry.asset):
                    audit.read_entries([entry])
            found = await tx.balances.audit(user_id)
            whole = audit.of_history(await tx.balances.list(user_id))
        return (*found, *(finding for finding in whole if finding not in found))

    async def _firsts(self, user_id: UUID, cut: datetime) -> dict[str, int]:
        """Up to which entry the journal of each balance may go; those of which nothing can are left out."""
        firsts: dict[str, int] = {}
        for balance in await self._storage.balances.list(user_id):
            first, goes = 1, False
            async for entry in self._storage.balances.stream_entries(user_id, balance.asset):
                if not is_closed_entry(entry, cut):
                    break
                first, goes = entry.seq + 1, goes or not stays(entry)
            if goes:
                firsts[balance.asset] = first
        return firsts

    async def _staying(self, user_id: UUID) -> dict[str, deque[BalanceEntry]]:
        """The entries that stayed where others were taken out, of each balance."""
        staying: dict[str, deque[BalanceEntry]] = {}
        for balance in await self._storage.balances.list(user_id):
            first = await _newest_checkpoint(self._storage, balance)
            kept = staying[balance.asset] = deque()
            async for entry in self._storage.balances.stream_entries(user_id, balance.asset):
                if entry.seq >= first:
                    break
                if stays(entry):
                    kept.append(entry)
        return staying


class _Taking:
    """The parts that are taken out of one user's history."""

    def __init__(self, storage: Storage, user_id: UUID, cut: datetime, keep: Keep) -> None:
        self._storage = storage
        self._user_id = user_id
        self._cut = cut
        self._keep = keep
        self._number = 0

    async def parts(self, find: Find) -> AsyncIterator[ArchivePart]:
        """Take out what is closed of the pages that `find` gives: the parts."""
        after: str | None = None
        while True:
            part, after = await in_transaction(self._storage, partial(self._take, find=find, after=after))
            if part is not None:
                self._number = part.number
                yield part
            if after is None:
                return

    async def _take(self, tx: Transaction, find: Find, after: str | None) -> tuple[ArchivePart | None, str | None]:
        await _locked(tx, self._user_id)
        history, following = await find(tx, after)
        if not history.has_rows():
            return None, following
        others = await tx.archives.list(self._user_id, after=self._number)
        digest = await self._keep((others[-1].number if others else self._number) + 1, history)
        return await tx.archives.take(history, digest), following

    async def closed_orders(self, tx: Transaction, after: str | None) -> Found:
        """The orders of a page that are closed, with their updates and trades."""
        page = await tx.orders.list(self._user_id, OrderFilter(until=self._cut), after, _ORDERS)
        keys = [order.key for order in page.items if may_be_closed(order)]
        waiting = await tx.trades.list_pending(self._user_id)
        closed: list[OrderHistory] = []
        for order in await tx.orders.get_many(keys, for_update=True):
            updates = await tx.order_updates.list(*order.key)
            found = OrderHistory(order, updates, await tx.trades.list_by_order(*order.key))
            if is_closed_order(found, self._cut, waiting):
                closed.append(found)
        return History.of_orders(self._user_id, closed), page.next

    async def closed_trades(self, tx: Transaction, after: str | None) -> Found:
        """The trades of a page that are closed, and whose orders are not stored."""
        page = await tx.trades.list(self._user_id, TradeFilter(until=self._cut), after, _ROWS)
        closed = [trade for trade in page.items if is_closed_trade(trade, self._cut)]
        named = tuple((self._user_id, trade.order_ids) for trade in closed)
        loaded = await tx.load(Selection(users=frozenset({self._user_id}), exclusive_users=True, orders=named))
        trades = tuple(missing_orders(closed, loaded.orders))
        return History(user_id=self._user_id, trades=trades), page.next

    async def entries_before(self, tx: Transaction, after: str | None, asset: str, first: int) -> Found:
        """The entries of a page of a balance that are before the `first` that stays, but those that stay for ever."""
        page = await tx.balances.entries(self._user_id, asset, after, _ROWS)
        entries = tuple(entry for entry in page.items if entry.seq < first and not stays(entry))
        goes_on = bool(page.items) and page.items[-1].seq < first - 1
        return History(user_id=self._user_id, entries=entries), page.next if goes_on else None


async def _set_checkpoints(
    tx: Transaction, user_id: UUID, until: datetime, firsts: dict[str, int], feed: Feed | None
) -> None:
    loaded = await _locked(tx, user_id, balances=True)
    deltas = [
        checkpoint(balance, firsts[balance.asset], tx.now())
        for balance in loaded.balances
        if balance.asset in firsts and firsts[balance.asset] > await _newest_checkpoint(tx, balance)
    ]
    known = loaded.users[user_id].archived_until
    patches = {} if known is not None and known >= until else {user_id: UserPatch(archived_until=until)}
    await tx.save(Changes(balance_deltas=tuple(deltas), user_patches=patches, feed=feed))


async def _locked(tx: Transaction, user_id: UUID, balances: bool = False) -> Loaded:
    """Lock the user, alone, and load the balances, if so; NotFoundError if there is no such user."""
    loaded = await tx.load(Selection(users=frozenset({user_id}), exclusive_users=True, balances=balances))
    if user_id not in loaded.users:
        raise NotFoundError("user", user_id)
    return loaded


async def _newest_checkpoint(storage: Storages, balance: Balance) -> int:
    """What the newest CHECKPOINT of a balance tells; 1 where there is none."""
    newest = EntryFilter(asset=balance.asset, reason=EntryReason.CHECKPOINT)
    for entry in (await storage.balances.journal(balance.user_id, newest, limit=1)).items:
        return first_after(entry) or 1
    return 1
