"""Bulk imports into PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable

import psycopg

from metacore.domain.values.imports import ImportResult, import_conflict
from metacore.errors import NotFoundError
from metacore.postgres.client.codecs import copy_line
from metacore.postgres.client.errors import translate
from metacore.postgres.client.session import Session, TransactionSession
from metacore.postgres.statements.imports import LIMITED, UNLIMITED, Import

_BLOCK = 500


async def import_rows(session: Session, statements: Import, rows: Iterable[dict[str, str | None]]) -> ImportResult:
    """Store `rows`, encoded by column, in one transaction (inside of one: a savepoint), in constant memory."""
    async with session.transaction() as tx:
        await tx.pipeline(statements.insert.name, [(UNLIMITED, {}), (statements.drop, {}), (statements.stage, {})])
        total = await _copy(tx, statements, rows)
        if missing := await tx.fetch(statements.lock_users, {}):
            raise NotFoundError("user", missing[0][0])
        inserted = (await tx.fetch(statements.insert, {}))[0][0]
        if inserted < total and (conflicts := await tx.fetch(statements.conflicts, {})):
            raise import_conflict(statements.name, (named for (named,) in conflicts))
        await tx.pipeline(statements.insert.name, [(statements.drop, {}), (LIMITED, {})])
    return ImportResult(inserted=inserted, duplicates=total - inserted)


async def _copy(tx: TransactionSession, statements: Import, rows: Iterable[dict[str, str | None]]) -> int:
    connection = await tx.begin()
    total = 0
    block: list[str] = []
    try:
        async with connection.cursor() as cursor, cursor.copy(statements.copy.text(tx.pool.schema)) as copy:
            for row in rows:
                block.append(copy_line([row[column] for column in statements.columns]))
                total += 1
                if len(block) == _BLOCK:
                    await copy.write("".join(block))
                    block.clear()
            await copy.write("".join(block))
    except psycopg.Error as error:
        raise tx.doom(translate(error, statements.insert.name, tx.pool.schema)) from error
    return total
