"""Categories: made, named, moved and removed."""

from __future__ import annotations

from typing import Annotated, LiteralString
from uuid import UUID

from psycopg.rows import class_row
from pydantic import Field

from marketplace.products.tree import require_tree
from metacore import (
    AlreadyExistsError,
    ConflictError,
    Model,
    NotFoundError,
    StaleVersionError,
    Storage,
    Text,
    Transaction,
    new_id,
)

Name = Annotated[Text, Field(min_length=1, max_length=100)]


class NewCategory(Model):
    """A category to be made, at the top without a parent."""

    name: Name
    parent_id: UUID | None = None


class CategoryChange(Model):
    """Its name and its place from now on; `version` is the one that this rests on."""

    name: Name
    parent_id: UUID | None = None
    version: Annotated[int, Field(strict=True)]


class Category(Model):
    """A category."""

    id: UUID
    parent_id: UUID | None
    name: str
    version: int


class Categories:
    """The categories in the tables of `schema`."""

    def __init__(self, storage: Storage, schema: LiteralString) -> None:
        self._storage = storage
        self._table: LiteralString = f"{schema}.categories"
        self._products: LiteralString = f"{schema}.products"

    async def list(self) -> tuple[Category, ...]:
        """All of them, by name."""
        async with self._storage.transaction() as tx:
            return await self._all(tx)

    async def create(self, new: NewCategory) -> Category:
        """Make a category; AlreadyExistsError if its parent has one of this name."""
        made = Category(id=new_id(), parent_id=new.parent_id, name=new.name, version=1)

        async def store(tx: Transaction) -> Category:
            await self._lock(tx)
            _require_place(await self._all(tx), made)
            await tx.connection.execute(
                f"INSERT INTO {self._table} (id, parent_id, name, version) VALUES (%s, %s, %s, %s)",
                [made.id, made.parent_id, made.name, made.version],
            )
            return made

        return await self._storage.run(store)

    async def change(self, category_id: UUID, change: CategoryChange) -> Category:
        """Name or move a category, with all that is below it; ConflictError if it would be below itself."""
        changed = Category(id=category_id, parent_id=change.parent_id, name=change.name, version=change.version + 1)

        async def store(tx: Transaction) -> Category:
            await self._lock(tx)
            known = await self._all(tx)
            before = next((category for category in known if category.id == category_id), None)
            if before is None:
                raise NotFoundError("category", category_id)
            if before.version != change.version:
                raise StaleVersionError("category", category_id, expected=change.version, actual=before.version)
            _require_place(known, changed)
            await tx.connection.execute(
                f"UPDATE {self._table} SET parent_id = %s, name = %s, version = %s WHERE id = %s",
                [changed.parent_id, changed.name, changed.version, category_id],
            )
            return changed

        return await self._storage.run(store)

    async def delete(self, category_id: UUID) -> None:
        """Remove a category; ConflictError if there is a category or a product in it."""

        async def remove(tx: Transaction) -> None:
            await self._lock(tx)
            known = await self._all(tx)
            if all(category.id != category_id for category in known):
                raise NotFoundError("category", category_id)
            cursor = await tx.connection.execute(
                f"SELECT FROM {self._products} WHERE category_id = %s LIMIT 1", [category_id]
            )
            if cursor.rowcount or any(category.parent_id == category_id for category in known):
                raise ConflictError("there is something in the category; move it first")
            await tx.connection.execute(f"DELETE FROM {self._table} WHERE id = %s", [category_id])

        await self._storage.run(remove)

    async def _lock(self, tx: Transaction) -> None:
        # Two moves that are harmless each may make a cycle together, so they take turns. A product that is put into a
        # category meanwhile has locked that one, and waits.
        await tx.connection.execute(f"LOCK TABLE {self._table} IN EXCLUSIVE MODE")

    async def _all(self, tx: Transaction) -> tuple[Category, ...]:
        cursor = tx.connection.cursor(row_factory=class_row(Category))
        await cursor.execute(f"SELECT id, parent_id, name, version FROM {self._table} ORDER BY name, id")
        return tuple(await cursor.fetchall())


def _require_place(known: tuple[Category, ...], placed: Category) -> None:
    parents = {category.id: category.parent_id for category in known}
    if placed.parent_id is not None and placed.parent_id not in parents:
        raise NotFoundError("category", placed.parent_id)
    require_tree(parents, placed.id, placed.parent_id)
    for other in known:
        if (other.parent_id, other.name) == (placed.parent_id, placed.name) and other.id != placed.id:
            raise AlreadyExistsError("category", "name", placed.name)
