"""The pictures of products: what is known of them in a table, their bytes in a store of objects."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from psycopg.rows import class_row

from common.objects import Objects
from marketplace.products.pictures import picture_of
from marketplace.rows import columns_of, placeholders_of
from metacore import InvalidDataError, Model, NotFoundError, Storage, Transaction, new_id

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}", re.ASCII)


class Image(Model):
    """What is known of a picture."""

    name: str
    media_type: str
    width: int
    height: int
    size: int
    created_at: datetime


class _Stored(Image):
    object_key: str


_COLUMNS = columns_of(_Stored)
_PLACES = placeholders_of(_Stored)


class Images:
    """The pictures in the tables of `schema` and among `objects`.

    An object is written before its row, under a key that was never used, so a row always has its object. Killed in
    between, an object is left that nobody names.
    """

    def __init__(self, storage: Storage, schema: LiteralString, objects: Objects) -> None:
        self._storage, self._objects = storage, objects
        self._table: LiteralString = f"{schema}.images"
        self._products: LiteralString = f"{schema}.products"

    async def put(self, product_id: UUID, name: str, content: bytes) -> Image:
        """Store a picture, in the place of one of this name; InvalidDataError if it is none."""
        require_name(name)
        picture = await asyncio.to_thread(picture_of, content)
        stored = _Stored(
            name=name,
            media_type=picture.media_type,
            width=picture.width,
            height=picture.height,
            size=len(content),
            created_at=self._storage.now(),
            object_key=f"images/{product_id}/{new_id().hex}",
        )
        await self._objects.put(stored.object_key, content)

        async def store(tx: Transaction) -> str | None:
            before = await self._find(tx, product_id, name, "FOR UPDATE")
            await tx.connection.execute(
                f"INSERT INTO {self._table} (product_id, {_COLUMNS}) VALUES (%(product_id)s, {_PLACES})"
                f" ON CONFLICT (product_id, name) DO UPDATE SET ({_COLUMNS}) = ROW ({_PLACES})",
                {"product_id": product_id, **stored.model_dump()},
            )
            return before.object_key if before else None

        if (replaced := await self._storage.run(store)) is not None:
            await self._objects.delete(replaced)
        return _image(stored)

    async def get(self, product_id: UUID, name: str) -> tuple[Image, bytes]:
        """A picture and its bytes; NotFoundError if there is none."""
        require_name(name)
        # Twice: it may have been replaced between its row and its object.
        for _ in range(2):
            async with self._storage.transaction() as tx:
                found = await self._find(tx, product_id, name)
            if found is None:
                break
            with suppress(NotFoundError):
                return _image(found), await self._objects.get(found.object_key)
        raise NotFoundError("image", name)

    async def list(self, product_id: UUID) -> tuple[Image, ...]:
        """The pictures of a product, by name."""
        async with self._storage.transaction() as tx:
            cursor = tx.connection.cursor(row_factory=class_row(_Stored))
            await cursor.execute(
                f"SELECT {_COLUMNS} FROM {self._table} WHERE product_id = %s ORDER BY name", [product_id]
            )
            return tuple(map(_image, await cursor.fetchall()))

    async def delete(self, product_id: UUID, name: str) -> None:
        """Remove a picture; NotFoundError if there is none."""
        require_name(name)

        async def remove(tx: Transaction) -> str:
            found = await self._find(tx, product_id, name, "FOR UPDATE")
            if found is None:
                raise NotFoundError("image", name)
            await tx.connection.execute(
                f"DELETE FROM {self._table} WHERE product_id = %s AND name = %s", [product_id, name]
            )
            return found.object_key

        await self._objects.delete(await self._storage.run(remove))

    async def _find(self, tx: Transaction, product_id: UUID, name: str, lock: LiteralString = "") -> _Stored | None:
        cursor = tx.connection.cursor(row_factory=class_row(_Stored))
        await cursor.execute(
            f"SELECT {_COLUMNS} FROM {self._table} WHERE product_id = %s AND name = %s {lock}", [product_id, name]
        )
        return await cursor.fetchone()


def require_name(name: str) -> None:
    """InvalidDataError if it is no name of a picture: letters, digits, points, dashes, and no way to elsewhere."""
    if not _NAME.fullmatch(name) or ".." in name:
        raise InvalidDataError("a name has 1 to 100 letters, digits, points and dashes", field="name")


def _image(stored: _Stored) -> Image:
    return Image(**stored.model_dump(exclude={"object_key"}))
