"""The catalogue: products, each change of which is an event in the transaction that stores it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, LiteralString
from uuid import UUID

from psycopg.rows import class_row

from marketplace.products.product import NewProduct, Offer, Product
from marketplace.products.words import normal, vector_of
from marketplace.rows import columns_of, placeholders_of, read
from metacore import NotFoundError, Storage, Transaction

COLUMNS = columns_of(Product)
_OFFER: LiteralString = "id AS product_id, seller_id, title, price, currency, state, version"
_PLACES = placeholders_of(Product)
_CHANGING: tuple[LiteralString, ...] = (
    "category_id",
    "title",
    "description",
    "price",
    "currency",
    "state",
    "version",
    "updated_at",
)
_WORDS = vector_of("text")
_SET: LiteralString = ", ".join(f"{name} = %({name})s" for name in _CHANGING) + f", words = {_WORDS}"


class Catalogue:
    """The products in the tables of `schema`; events of them go to `topic`."""

    def __init__(self, storage: Storage, schema: LiteralString, topic: str) -> None:
        self._storage, self._topic = storage, topic
        self._table: LiteralString = f"{schema}.products"
        self._categories: LiteralString = f"{schema}.categories"

    async def get(self, product_id: UUID) -> Product:
        """A product, sold or archived; NotFoundError if there is none."""
        async with self._storage.transaction() as tx:
            return await self._read(tx, product_id)

    async def offers(self, product_ids: Sequence[UUID]) -> list[Offer]:
        """What other services know of those of these products that there are."""
        query = f"SELECT {_OFFER} FROM {self._table} WHERE id = ANY(%s)"
        async with self._storage.transaction() as tx:
            return await read(tx, Offer, query, [list(product_ids)])

    async def create(self, new: NewProduct, seller_id: UUID) -> Product:
        """Sell a product; NotFoundError if there is no such category."""
        made = Product.created(new, seller_id, self._storage.now())

        async def store(tx: Transaction) -> Product:
            await self._hold_category(tx, made.category_id)
            await tx.connection.execute(
                f"INSERT INTO {self._table} ({COLUMNS}, words) VALUES ({_PLACES}, {_WORDS})", _row(made)
            )
            await tx.outbox.append([made.changed_event(self._topic)])
            return made

        return await self._storage.run(store)

    async def change(self, product_id: UUID, decide: Callable[[Product], Product]) -> Product:
        """Store what `decide` makes of a product, with the event of it, if it is another one than before."""

        async def store(tx: Transaction) -> Product:
            before = await self._read(tx, product_id, "FOR UPDATE")
            after = decide(before)
            if after == before:
                return before
            if after.category_id != before.category_id:
                await self._hold_category(tx, after.category_id)
            await tx.connection.execute(f"UPDATE {self._table} SET {_SET} WHERE id = %(id)s", _row(after))
            await tx.outbox.append([after.changed_event(self._topic)])
            return after

        return await self._storage.run(store)

    async def _read(self, tx: Transaction, product_id: UUID, lock: LiteralString = "") -> Product:
        cursor = tx.connection.cursor(row_factory=class_row(Product))
        await cursor.execute(f"SELECT {COLUMNS} FROM {self._table} WHERE id = %s {lock}", [product_id])
        product = await cursor.fetchone()
        if product is None:
            raise NotFoundError("product", product_id)
        return product

    async def _hold_category(self, tx: Transaction, category_id: UUID) -> None:
        cursor = await tx.connection.execute(
            f"SELECT FROM {self._categories} WHERE id = %s FOR KEY SHARE", [category_id]
        )
        if not cursor.rowcount:
            raise NotFoundError("category", category_id)


def _row(product: Product) -> dict[str, Any]:
    return {**product.model_dump(), "text": normal(f"{product.title} {product.description}")}
