"""Dead letters in PostgreSQL."""

from __future__ import annotations

from datetime import datetime
from typing import Any, final

from metacore.backends.listing import Listing, parse_limit
from metacore.domain.messages.dead_letters import DeadLetter, Resolution, latest_first
from metacore.domain.values.pages import Page
from metacore.domain.values.text import require_text
from metacore.errors import NotFoundError
from metacore.postgres.client.call import Call, Row
from metacore.postgres.client.codecs import DEAD_LETTER, to_text
from metacore.postgres.client.session import Session
from metacore.postgres.statements import dead_letters as statements
from metacore.storage.dead_letters import DeadLetterStorage


@final
class PostgresDeadLetterStorage(DeadLetterStorage):
    """`metacore.storage.dead_letters.DeadLetterStorage` over PostgreSQL."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def put(self, letter: DeadLetter) -> bool:
        return bool(await self._session.fetch(statements.PUT, DEAD_LETTER.encode(letter)))

    async def get(self, source: str, position: str) -> DeadLetter:
        require_text(source=source, position=position)
        key = {"source": source, "position": position}
        return _letter(await self._session.fetch(statements.GET, key), source, position)

    async def list(
        self, source: str | None = None, resolved: bool = False, after: str | None = None, limit: int = 100
    ) -> Page[DeadLetter]:
        require_text(source=source)
        listing = Listing("dead_letters.list", (source, resolved), (datetime, str, str))
        values: dict[str, Any] = {"limit": parse_limit(limit) + 1, "source": source}
        if (start := listing.position(after)) is not None:
            # Of one source, the position names that source again.
            values |= {"failed_at": to_text(start[0]), "source": start[1], "position": start[2]}
        page = statements.page if source is None else statements.page_of_source
        statement = page(resolved, start is not None)
        return listing.page(DEAD_LETTER.decode_all(await self._session.fetch(statement, values)), limit, latest_first)

    async def resolve(self, source: str, position: str, resolution: Resolution, note: str | None = None) -> DeadLetter:
        require_text(source=source, position=position, note=note)
        now, key = self._session.now(), {"source": source, "position": position}
        decision = {"resolution": resolution.value, "note": note, "resolved_at": to_text(now)}
        calls: list[Call] = [(statements.RESOLVE, {**key, **decision}), (statements.GET, key)]
        changed, rows = await self._session.pipeline("dead_letters.resolve", calls)
        letter = _letter(rows, source, position)
        if not changed and letter.resolution is None:
            # It came between the two statements.
            raise _not_found(source, position)
        return letter.resolved(resolution, note, now)

    async def count(self, source: str | None = None) -> int:
        require_text(source=source)
        statement = statements.COUNT if source is None else statements.COUNT_OF_SOURCE
        rows = await self._session.fetch(statement, {"source": source})
        count: int = rows[0][0]
        return count


def _letter(rows: list[Row], source: str, position: str) -> DeadLetter:
    if not rows:
        raise _not_found(source, position)
    return DEAD_LETTER.decode(rows[0])


def _not_found(source: str, position: str) -> NotFoundError:
    return NotFoundError("dead letter", (source, position))
