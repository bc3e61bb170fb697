# Made from metacore/memory/storages/dead_letters.py by `python tools/generate_sync.py`. Do not edit.
"""Dead letters in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import final

from metacore.backends.listing import Listing
from metacore.domain.messages.dead_letters import DeadLetter, Resolution, latest_first
from metacore.domain.values.pages import Page
from metacore.domain.values.text import require_text
from metacore.errors import NotFoundError
from metacore.memory.paging import PageRequest
from metacore.memory.schema import Views
from metacore.sync.memory.storages.session import Session
from metacore.sync.storage.dead_letters import DeadLetterStorage


@final
class MemoryDeadLetterStorage(DeadLetterStorage):
    """`metacore.sync.storage.dead_letters.DeadLetterStorage` over dictionaries."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def put(self, letter: DeadLetter) -> bool:
        with self._session.write() as tables:
            if tables.dead_letters.get((letter.source, letter.position)) is not None:
                return False
            tables.dead_letters.put(letter)
            return True

    def get(self, source: str, position: str) -> DeadLetter:
        require_text(source=source, position=position)
        with self._session.read() as tables:
            return _get(tables, source, position)

    def list(
        self, source: str | None = None, resolved: bool = False, after: str | None = None, limit: int = 100
    ) -> Page[DeadLetter]:
        require_text(source=source)
        page = PageRequest(Listing("dead_letters.list", (source, resolved), (datetime, str, str)), after, limit)
        with self._session.read() as tables:
            return page.of(_of(tables, source, resolved), latest_first)

    def resolve(self, source: str, position: str, resolution: Resolution, note: str | None = None) -> DeadLetter:
        require_text(source=source, position=position, note=note)
        now = self._session.now()
        with self._session.write() as tables:
            letter = _get(tables, source, position).resolved(resolution, note, now)
            tables.dead_letters.put(letter)
            return letter

    def count(self, source: str | None = None) -> int:
        require_text(source=source)
        with self._session.read() as tables:
            return len(_of(tables, source, False))


def _get(tables: Views, source: str, position: str) -> DeadLetter:
    letter = tables.dead_letters.get((source, position))
    if letter is None:
        raise NotFoundError("dead letter", (source, position))
    return letter


def _of(tables: Views, source: str | None, resolved: bool) -> Sequence[DeadLetter]:
    if source is None:
        return tables.dead_letters.select("resolved", resolved)
    return tables.dead_letters.select("source", (source, resolved))
