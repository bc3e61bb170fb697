"""What a decision expects to be stored when it is saved."""

from __future__ import annotations

from collections.abc import Callable, Container
from uuid import UUID

from metacore.domain.changes import Changes, RowKey, row_key
from metacore.domain.orders import Order
from metacore.domain.trades import Trade
from metacore.errors import NotFoundError, StaleVersionError


class Expectations:
    """The owners, and the orders and trades with their versions, that saving `changes` rests on, each sorted by key.

    An order that is only updated is expected at any version: None.
    """

    def __init__(self, changes: Changes) -> None:
        owners = {delta.user_id for delta in changes.balance_deltas}
        versions: dict[RowKey, int | None] = {}
        inserted: set[RowKey] = set()
        rows: list[Order | Trade] = [*changes.orders, *changes.trades]
        for row in rows:
            if expected := changes.expected_version(row):
                versions[row_key(row)] = expected
            else:
                inserted.add(row_key(row))
                owners.add(row.user_id)
        for update in changes.order_updates:
            key = ("order", update.user_id, update.order_id)
            if key not in inserted:
                versions.setdefault(key, None)
        self.owners = sorted(owners)
        self.versions = {key: versions[key] for key in sorted(versions)}

    def check(self, users: Container[UUID], version_of: Callable[[RowKey], int | None]) -> None:
        """NotFoundError for the first owner or row that is not there, StaleVersionError for one at another version.

        Owners come first, then orders, then trades, so that every backend names the same one of several.
        """
        for user_id in self.owners:
            if user_id not in users:
                raise NotFoundError("user", user_id)
        for key, expected in self.versions.items():
            entity, *named = key
            actual = version_of(key)
            if actual is None:
                raise NotFoundError(entity, tuple(named))
            if expected is not None and actual != expected:
                raise StaleVersionError(entity, tuple(named), expected=expected, actual=actual)
