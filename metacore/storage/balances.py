"""The contract of the storage of balances."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from metacore.domain.trading.audit import AuditFinding
from metacore.domain.trading.balances import (
    AccountBalance,
    Balance,
    BalanceDelta,
    BalanceEntry,
    BalanceHead,
    BalanceKey,
    EntryFilter,
)
from metacore.domain.values.pages import Page
from metacore.storage.streams import by_backend, stream_of


class BalanceStorage(Protocol):
    """Stores balances and their journal. A balance never changes without its entries: it becomes what
    its newest entry left.

    An asset keeps the name that it has first: where a user has `USDT`, whatever would store `usdt` is an
    InvalidDataError that tells the name that there is. `free` and `locked` are never negative, whatever a caller asks
    for. A change of a balance grows its version by one and appends entries whose `seq` counts 1, 2, 3... for each
    balance without gaps.
    """

    async def get(self, user_id: UUID, asset: str) -> Balance:
        """The balance; NotFoundError for an asset that the user never had."""
        ...

    async def get_or_zero(self, user_id: UUID, asset: str) -> Balance:
        """The balance; for an asset that the user never had, one of zero without entries, which is not stored.

        NotFoundError if the user does not exist; InvalidDataError if the name is not valid, or the user has the asset
        under a name of another case.
        """
        ...

    async def get_many(self, keys: Iterable[BalanceKey], for_update: bool = False) -> Sequence[Balance]:
        """The balances with these `(user_id, asset)` keys, sorted by key, each once, missing ones left out.

        With `for_update`, inside a transaction, missing ones of existing users are first stored as zero, without an
        entry, and all are locked in that order until it ends. Outside of one the missing ones are stored, too, and
        the locks are gone when it returns. Instead of one that is stored under a name of another case, that one comes.
        """
        ...

    async def list(self, user_id: UUID, nonzero: bool = False, unexplained: bool = False) -> Sequence[Balance]:
        """All balances of the user by asset; only those with something free or locked if `nonzero`, only those with
        something unexplained if `unexplained`.
        """
        ...

    async def unexplained(self, after: str | None = None, limit: int = 100) -> Page[Balance]:
        """A page of the balances of all users that have something unexplained, by (user_id, asset).

        It is for operators: an index finds them and, where tables are distributed, every shard is asked. `limit` is 1
        to 1,000, `after` None or the `next` of a page of the same list; others are an InvalidDataError.
        """
        ...

    @stream_of(unexplained)
    def stream_unexplained(self) -> AsyncIterator[Balance]:
        """All balances of `unexplained`, in its order and in constant memory, read as by `stream_entries`."""
        return by_backend()

    async def put(self, user_id: UUID, asset: str, free: Decimal, locked: Decimal) -> bool:
        """Set a balance to what is told, with one ADJUSTMENT entry; whether that changed anything.

        A balance that has these amounts already stays as it is, without an entry; one that did not exist is stored,
        at zero too. NotFoundError if the user does not exist; InvalidDataError, and nothing changed, if an amount is
        not one or is negative.
        """
        ...

    async def put_all(self, user_id: UUID, balances: Iterable[AccountBalance]) -> int:
        """`put` each of `balances`, all or nothing; how many of them changed. An asset named twice is an
        InvalidDataError.
        """
        ...

    async def replace_all(self, user_id: UUID, balances: Iterable[AccountBalance]) -> int:
        """Like `put_all`, and every balance of the user that `balances` lacks becomes zero; how many balances
        changed.
        """
        ...

    async def apply(self, deltas: Iterable[BalanceDelta]) -> Sequence[Balance]:
        """Apply `deltas` in their order, one entry each, all or nothing; the balances after it, sorted by key.

        Missing balances are first stored as zero. It is not idempotent: the same deltas again apply again.
        InsufficientFundsError, and nothing changed, if free or locked would fall below zero on the way; NotFoundError
        if a user does not exist; AlreadyExistsError if the reference of a DEPOSIT or WITHDRAWAL is taken;
        InvalidDataError if free or locked would have more than 38 digits before the point.
        """
        ...

    async def entries(
        self, user_id: UUID, asset: str | None = None, after: str | None = None, limit: int = 100
    ) -> Page[BalanceEntry]:
        """A page of the journal of the user, oldest first by (asset, seq); only of `asset` if it is given.

        `limit` is 1 to 1,000, `after` None or the `next` of a page of the same list; others are an InvalidDataError.
        """
        ...

    @stream_of(entries)
    def stream_entries(self, user_id: UUID, asset: str | None = None) -> AsyncIterator[BalanceEntry]:
        """All entries of `entries`, in its order and in constant memory.

        Pages are read as the iteration goes on, without a transaction held open: a row stored meanwhile may appear or
        not, one that was there throughout appears exactly once.
        """
        return by_backend(user_id, asset)

    async def journal(
        self, user_id: UUID, filter: EntryFilter = EntryFilter(), after: str | None = None, limit: int = 100
    ) -> Page[BalanceEntry]:
        """A page of the entries of the user that match `filter`, newest first by (occurred_at, asset, seq).

        It is read by time: a filter by asset passes over the entries in between, and so does one by HOLD, RELEASE,
        TRADE or COMMISSION, the reasons of most entries; an index finds those of the others. `limit` is 1 to 1,000,
        `after` None or the `next` of a page of the same list; others are an InvalidDataError.
        """
        ...

    @stream_of(journal)
    def stream_journal(self, user_id: UUID, filter: EntryFilter = EntryFilter()) -> AsyncIterator[BalanceEntry]:
        """All entries of `journal`, in its order and in constant memory, read as by `stream_entries`."""
        return by_backend(user_id, filter)

    async def heads(self, user_id: UUID) -> Sequence[BalanceHead]:
        """How far the journal of each balance of the user goes, by asset; without balances that have no entry.

        Entries are chained: each carries a hash over itself and the entry before it. So heads that are kept elsewhere
        prove all that was written up to them: give them to `audit`.
        """
        ...

    async def audit(self, user_id: UUID, heads: Iterable[BalanceHead] = ()) -> Sequence[AuditFinding]:
        """What disagrees; empty when every rule that MONEY calls always true holds for the user.

        Checked: amounts not negative; each balance the sum of its journal, entry by entry, without gaps; the entries
        one chain of hashes, which has the entries that `heads` tell of; locked the sum of the holds; unexplained what
        SNAPSHOT entries left so; for each order, settled the sum of its SETTLED trades and executed at least that. All
        of it is read in one snapshot (within a transaction, as that reads) and in constant memory. NotFoundError if
        the user does not exist.
        """
        ...
