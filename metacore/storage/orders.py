"""The contract of the storage of orders."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Protocol
from uuid import UUID

from metacore.domain.trading.orders import NewOrder, Order, OrderFilter, OrderKey, OrderStatus
from metacore.domain.values.imports import ImportResult
from metacore.domain.values.pages import Page
from metacore.storage.streams import by_backend, stream_of


class OrderStorage(Protocol):
    """Stores orders. The id and, where given, `client_order_id` and `exchange_order_id` are unique for each user.

    It stores what it is told: which status may follow which, and what an order holds, is decided in `metacore.domain`
    and saved by `Transaction.save`.
    """

    async def create(self, new: NewOrder) -> Order:
        """Store an order at version 1, without a hold, and return it.

        NotFoundError if its user does not exist; AlreadyExistsError names the unique field that is taken.
        """
        ...

    async def create_many(self, orders: Iterable[NewOrder]) -> ImportResult:
        """Store all of `orders`, in one transaction, in constant memory, by `import_timeout`.

        They are stored in the order in which they come; one that finds its id or another unique key taken is skipped,
        and compared with what is stored in the end. If all that shares a unique key with it has equal content, it is a
        duplicate. If not, that is a ConflictError naming up to ten, and nothing is stored; so is NotFoundError for a
        user that does not exist. What `orders` itself raises passes through, and nothing is stored.

        An import waits for another one of the same user's rows, orders or trades, and for whoever changes the user
        itself: LockTimeoutError after `lock_timeout`, for each user. So do they for it, while it stores.
        """
        ...

    async def get(self, user_id: UUID, order_id: UUID) -> Order:
        """The order, equal in every field to what the last change made of it; NotFoundError if the user has none
        such.
        """
        ...

    async def get_by_client_order_id(self, user_id: UUID, client_order_id: str) -> Order:
        """The user's order with this client order id; NotFoundError if there is none."""
        ...

    async def get_by_exchange_order_id(self, user_id: UUID, exchange_order_id: str) -> Order:
        """The user's order with this exchange order id; NotFoundError if there is none."""
        ...

    async def get_many(self, keys: Iterable[OrderKey], for_update: bool = False) -> Sequence[Order]:
        """The orders with these `(user_id, order_id)` keys, sorted by key, each once, missing ones left out.

        With `for_update`, inside a transaction, they are locked in that order until it ends; outside of one the locks
        are gone when it returns.
        """
        ...

    async def list(
        self, user_id: UUID, filter: OrderFilter = OrderFilter(), after: str | None = None, limit: int = 100
    ) -> Page[Order]:
        """A page of the user's orders that match `filter`, newest first by (created_at, id).

        Indexes find the user's orders in that order, of one symbol or of each status too, and `since` and `until` in
        it. What else `filter` asks is looked for among these, until the page is full: a side that few of them have, or
        of a symbol statuses that few have, costs all of them. Open orders are all read for one symbol or some statuses.

        `limit` is 1 to 1,000, `after` None or the `next` of a page of the same list; others are an InvalidDataError.
        """
        ...

    @stream_of(list)
    def stream(self, user_id: UUID, filter: OrderFilter = OrderFilter()) -> AsyncIterator[Order]:
        """All orders of `list`, in its order and in constant memory.

        Pages are read as the iteration goes on, without a transaction held open: an order stored meanwhile may appear
        or not, one that was there and matched throughout appears exactly once.
        """
        return by_backend(user_id, filter)

    async def list_open(self, user_id: UUID, symbol: str | None = None) -> Sequence[Order]:
        """All open orders of the user, newest first by (created_at, id); only those of `symbol` if it is given.

        An index finds the open ones; they are all read for one `symbol`.
        """
        ...

    async def in_status(self, status: OrderStatus, after: str | None = None, limit: int = 100) -> Page[Order]:
        """A page of the orders of all users that are in this status, by user id, of each user newest first by
        (created_at, id).

        It is for operators: where tables are distributed, every shard is asked. Indexes of the open orders, and of the
        closed ones, find them: those of another status are passed over until the page is full. `limit` is 1 to 1,000,
        `after` None or the `next` of a page of the same list; others are an InvalidDataError.
        """
        ...

    @stream_of(in_status)
    def stream_in_status(self, status: OrderStatus) -> AsyncIterator[Order]:
        """All orders of `in_status`, in its order and in constant memory, read as by `stream`."""
        return by_backend(status)

    async def delete(self, user_id: UUID, order_id: UUID) -> None:
        """Delete the order with its updates; its trades stay.

        NotFoundError if the user has no such order, ConflictError while it holds funds: release them first.
        """
        ...
