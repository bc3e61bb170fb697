"""The contract of the storage of trades."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Protocol
from uuid import UUID

from metacore.domain.trading.trades import NewTrade, Trade, TradeFilter
from metacore.domain.values.imports import ImportResult
from metacore.domain.values.pages import Page
from metacore.storage.streams import by_backend, stream_of


class TradeStorage(Protocol):
    """Stores trades. The id, and the symbol with the exchange's trade id and the order, are unique for each user.

    A trade needs no stored order, and outlives it. Settling a trade is decided in `metacore.domain` and saved by
    `Transaction.save`.
    """

    async def create(self, new: NewTrade) -> Trade:
        """Store a trade as RECORDED, at version 1, and return it; no balance and no order moves.

        NotFoundError if its user does not exist; AlreadyExistsError names the unique key that is taken.
        """
        ...

    async def create_many(self, trades: Iterable[NewTrade]) -> ImportResult:
        """Store all of `trades` as RECORDED, in one transaction, in constant memory, by `import_timeout`.

        They are stored in the order in which they come; one that finds its id or its unique key taken is skipped, and
        compared with what is stored in the end. If its unique key is there with equal content, it is a duplicate,
        whatever its id. If not, that is a ConflictError naming up to ten, and nothing is stored; so is NotFoundError
        for a user that does not exist. What `trades` itself raises passes through, and nothing is stored.

        An import waits for another one of the same user's rows, orders or trades, and for whoever changes the user
        itself: LockTimeoutError after `lock_timeout`, for each user. So do they for it, while it stores.
        """
        ...

    async def get(self, user_id: UUID, trade_id: UUID) -> Trade:
        """The trade, equal in every field to what the last change made of it; NotFoundError if the user has none
        such.
        """
        ...

    async def get_by_exchange_trade_id(self, user_id: UUID, symbol: str, exchange_trade_id: str) -> Sequence[Trade]:
        """The user's trades with this exchange trade id, by id: none, one, or the two of a self-trade."""
        ...

    async def get_many(self, keys: Iterable[tuple[UUID, UUID]]) -> Sequence[Trade]:
        """The trades with these `(user_id, trade_id)` keys, sorted by key, each once, missing ones left out."""
        ...

    async def list(
        self, user_id: UUID, filter: TradeFilter = TradeFilter(), after: str | None = None, limit: int = 100
    ) -> Page[Trade]:
        """A page of the user's trades that match `filter`, newest first by (traded_at, id).

        Indexes find the user's trades in that order, of one symbol, and of the state RECORDED or PENDING, too, and
        `since` and `until` in it. What else `filter` asks is looked for among these, until the page is full: a side
        that few of them have, or SETTLED where most are not, costs all of them.

        `limit` is 1 to 1,000, `after` None or the `next` of a page of the same list; others are an InvalidDataError.
        """
        ...

    async def list_by_order(self, user_id: UUID, order_id: UUID) -> Sequence[Trade]:
        """All trades that carry this order's id, oldest first by (traded_at, id)."""
        ...

    async def list_pending(self, user_id: UUID) -> Sequence[Trade]:
        """All PENDING trades of the user, oldest first by (traded_at, id)."""
        ...

    async def pending(self, after: str | None = None, limit: int = 100) -> Page[Trade]:
        """A page of the PENDING trades of all users, by user id, of each user oldest first by (traded_at, id).

        It is for operators: an index finds them and, where tables are distributed, every shard is asked. `limit` is 1
        to 1,000, `after` None or the `next` of a page of the same list; others are an InvalidDataError.
        """
        ...

    @stream_of(pending)
    def stream_pending(self) -> AsyncIterator[Trade]:
        """All trades of `pending`, in its order and in constant memory, read as by `stream`."""
        return by_backend()

    @stream_of(list)
    def stream(self, user_id: UUID, filter: TradeFilter = TradeFilter()) -> AsyncIterator[Trade]:
        """All trades of `list`, in its order and in constant memory.

        Pages are read as the iteration goes on, without a transaction held open: a trade stored meanwhile may appear
        or not, one that was there throughout appears exactly once.
        """
        return by_backend(user_id, filter)
