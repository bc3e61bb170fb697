"""Bulk imports into PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from itertools import islice

import psycopg

from metacore.domain.values.imports import ImportResult, import_conflict
from metacore.domain.values.model import Model
from metacore.errors import NotFoundError
from metacore.postgres.client import copying
from metacore.postgres.client.call import Call
from metacore.postgres.client.codecs import copy_lines
from metacore.postgres.client.errors import translate
from metacore.postgres.client.session import Session
from metacore.postgres.client.transaction_session import TransactionSession
from metacore.postgres.statements.imports import CLOSE_USERS, LOCK_USER, NEXT_USERS, Import

_BLOCK = 500


async def import_rows(session: Session, statements: Import, rows: Iterable[Model]) -> ImportResult:
    """Store `rows` in one transaction (inside of one: a savepoint), in constant memory."""
    async with session.transaction() as tx:
        settings = tx.pool.settings
        opening: list[Call] = [tx.limit(settings.import_timeout), (statements.drop, {}), (statements.stage, {})]
        await tx.pipeline(statements.insert.name, opening)
        total = await _copy(tx, statements, rows)
        await _lock_users(tx, statements)
        *_, ((inserted,),) = await tx.pipeline(statements.insert.name, [(CLOSE_USERS, {}), (statements.insert, {})])
        if inserted < total and (conflicts := await tx.fetch(statements.conflicts, {})):
            raise import_conflict(statements.name, (named for (named,) in conflicts))
        await tx.pipeline(statements.insert.name, [(statements.drop, {}), tx.limit(settings.statement_timeout)])
    return ImportResult(inserted=inserted, duplicates=total - inserted)


async def _lock_users(tx: TransactionSession, statements: Import) -> None:
    """Lock the users that the rows name, by id. NotFoundError for the first who does not exist."""
    *_, users = await tx.pipeline(statements.insert.name, [(statements.find_users, {}), (NEXT_USERS, {})])
    while users:
        calls: list[Call] = [(LOCK_USER, {"user_id": str(user_id)}) for (user_id,) in users]
        *found, following = await tx.pipeline(statements.insert.name, [*calls, (NEXT_USERS, {})])
        if missing := [user_id for (user_id,), rows in zip(users, found, strict=True) if not rows]:
            raise NotFoundError("user", missing[0])
        users = following


async def _copy(tx: TransactionSession, statements: Import, rows: Iterable[Model]) -> int:
    total = 0

    def blocks() -> Iterator[str]:
        nonlocal total
        remaining = iter(rows)
        while block := list(islice(remaining, _BLOCK)):
            total += len(block)
            yield copy_lines(block, statements.columns)

    await tx.begin()
    try:
        await tx.perform(lambda wire: copying.start(wire, statements.copy.text(tx.pool.schema)))
        try:
            for block in blocks():
                await tx.perform(partial(copying.send, data=block.encode()))
        except psycopg.Error:
            raise
        except Exception:
            with suppress(psycopg.Error):
                await tx.perform(partial(copying.end, flaw=b"its rows failed"))
            raise
        await tx.perform(copying.end)
    except psycopg.Error as error:
        raise tx.doom(translate(error, statements.insert.name, tx.pool.schema)) from error
    return total
