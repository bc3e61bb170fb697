# Made from metacore/postgres/storages/imports.py by `python tools/generate_sync.py`. Do not edit.
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
from metacore.postgres.statements.imports import CLOSE_USERS, LOCK_USER, NEXT_USERS, Import
from metacore.sync.postgres.client.session import Session
from metacore.sync.postgres.client.transaction_session import TransactionSession

_BLOCK = 500


def import_rows(session: Session, statements: Import, rows: Iterable[Model]) -> ImportResult:
    """Store `rows` in one transaction (inside of one: a savepoint), in constant memory."""
    with session.transaction() as tx:
        settings = tx.pool.settings
        opening: list[Call] = [tx.limit(settings.import_timeout), (statements.drop, {}), (statements.stage, {})]
        tx.pipeline(statements.insert.name, opening)
        total = _copy(tx, statements, rows)
        _lock_users(tx, statements)
        *_, ((inserted,),) = tx.pipeline(statements.insert.name, [(CLOSE_USERS, {}), (statements.insert, {})])
        if inserted < total and (conflicts := tx.fetch(statements.conflicts, {})):
            raise import_conflict(statements.name, (named for (named,) in conflicts))
        tx.pipeline(statements.insert.name, [(statements.drop, {}), tx.limit(settings.statement_timeout)])
    return ImportResult(inserted=inserted, duplicates=total - inserted)


def _lock_users(tx: TransactionSession, statements: Import) -> None:
    """Lock the users that the rows name, by id. NotFoundError for the first who does not exist."""
    *_, users = tx.pipeline(statements.insert.name, [(statements.find_users, {}), (NEXT_USERS, {})])
    while users:
        calls: list[Call] = [(LOCK_USER, {"user_id": str(user_id)}) for (user_id,) in users]
        *found, following = tx.pipeline(statements.insert.name, [*calls, (NEXT_USERS, {})])
        if missing := [user_id for (user_id,), rows in zip(users, found, strict=True) if not rows]:
            raise NotFoundError("user", missing[0])
        users = following


def _copy(tx: TransactionSession, statements: Import, rows: Iterable[Model]) -> int:
    total = 0

    def blocks() -> Iterator[str]:
        nonlocal total
        remaining = iter(rows)
        while block := list(islice(remaining, _BLOCK)):
            total += len(block)
            yield copy_lines(block, statements.columns)

    tx.begin()
    try:
        tx.perform(lambda wire: copying.start(wire, statements.copy.text(tx.pool.schema)))
        try:
            for block in blocks():
                tx.perform(partial(copying.send, data=block.encode()))
        except psycopg.Error:
            raise
        except Exception:
            with suppress(psycopg.Error):
                tx.perform(partial(copying.end, flaw=b"its rows failed"))
            raise
        tx.perform(copying.end)
    except psycopg.Error as error:
        raise tx.doom(translate(error, statements.insert.name, tx.pool.schema)) from error
    return total
