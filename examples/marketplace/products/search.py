"""What is found in the catalogue: by words, by category and all below it, by seller and by price; newest first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, LiteralString
from uuid import UUID

from psycopg.rows import class_row

from marketplace.money import Currency
from marketplace.products.catalogue import COLUMNS
from marketplace.products.product import Product, ProductState
from marketplace.products.words import normal, query_of
from metacore import Amount, InvalidDataError, Model, Page, Storage, Text

_STATES: Mapping[ProductState, LiteralString] = {
    ProductState.ACTIVE: "state = 'ACTIVE'",
    ProductState.ARCHIVED: "state = 'ARCHIVED'",
}
"""Written out, for the index that has those alone which are sold."""


class ProductQuery(Model):
    """What is looked for; what is left out is no matter."""

    words: Text | None = None
    """As a search engine takes them: all of them, "in this order", one OR another, not -this."""
    category_id: UUID | None = None
    seller_id: UUID | None = None
    currency: Currency | None = None
    lowest_price: Amount | None = None
    highest_price: Amount | None = None
    state: ProductState = ProductState.ACTIVE


class Search:
    """Finds products in the tables of `schema`."""

    def __init__(self, storage: Storage, schema: LiteralString) -> None:
        self._storage = storage
        self._table: LiteralString = f"{schema}.products"
        below: LiteralString = (
            f"WITH RECURSIVE below (id) AS (SELECT %(category_id)s::uuid UNION SELECT c.id FROM {schema}.categories c"
            " JOIN below ON c.parent_id = below.id) SELECT id FROM below"
        )
        self._conditions: Mapping[str, LiteralString] = {
            "words": f"words @@ ({query_of('words')})",
            "category_id": f"category_id IN ({below})",
            "seller_id": "seller_id = %(seller_id)s",
            "currency": "currency = %(currency)s",
            "lowest_price": "price >= %(lowest_price)s",
            "highest_price": "price <= %(highest_price)s",
            "after": "id < %(after)s",
        }

    async def find(self, query: ProductQuery, after: str | None, limit: int) -> Page[Product]:
        """A page of products. Ids grow with time, so what comes meanwhile is before the first page."""
        values: dict[str, Any] = {**query.model_dump(exclude_none=True, exclude={"state"})}
        if query.words is not None:
            values["words"] = normal(query.words)
        if after is not None:
            values["after"] = _cursor(after)
        conditions: list[LiteralString] = [_STATES[query.state], *(self._conditions[name] for name in values)]
        async with self._storage.transaction() as tx:
            cursor = tx.connection.cursor(row_factory=class_row(Product))
            await cursor.execute(
                f"SELECT {COLUMNS} FROM {self._table} WHERE {' AND '.join(conditions)}"
                " ORDER BY id DESC LIMIT %(limit)s",
                {**values, "limit": limit + 1},
            )
            found = await cursor.fetchall()
        items = tuple(found[:limit])
        return Page(items, str(items[-1].id) if len(found) > limit else None)


def _cursor(after: str) -> UUID:
    try:
        return UUID(after)
    except ValueError:
        raise InvalidDataError("it is the `next` of a page before", field="after") from None
