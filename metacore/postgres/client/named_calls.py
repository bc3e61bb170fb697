"""Calls of one round trip, under names by which what they find is found again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from metacore.postgres.client.call import Call, Row
from metacore.postgres.client.statement import Statement


class NamedCalls:
    """Calls in the order in which they are added, each about one user: a statement about several users would be about
    several shards.
    """

    def __init__(self, first: Sequence[Call] = ()) -> None:
        self.calls: list[Call] = list(first)
        self._names: list[tuple[str, UUID] | None] = [None] * len(self.calls)

    def add(self, name: str, user_id: UUID, statement: Statement, values: Mapping[str, Any] | None = None) -> None:
        """Add the call of `statement` for that user."""
        self.add_call(name, user_id, (statement, {"user_id": str(user_id), **(values or {})}))

    def add_call(self, name: str, user_id: UUID, call: Call) -> None:
        """Add a `call` about that user."""
        self.calls.append(call)
        self._names.append((name, user_id))

    def found(self, results: Sequence[list[Row]]) -> Mapping[str, Sequence[tuple[UUID, Row]]]:
        """The rows of `results`, those of the calls, by name: each with the user of its call."""
        rows: defaultdict[str, list[tuple[UUID, Row]]] = defaultdict(list)
        for named, result in zip(self._names, results, strict=True):
            if named is not None:
                name, user_id = named
                rows[name] += [(user_id, row) for row in result]
        return rows
