"""The contract of the storage of dead letters."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from metacore.domain.messages.dead_letters import DeadLetter, Resolution
from metacore.domain.values.pages import Page
from metacore.storage.streams import by_backend, stream_of


class DeadLetterStorage(Protocol):
    """Keeps messages that could not be used, each once by its source and position, for somebody to resolve."""

    async def put(self, letter: DeadLetter) -> bool:
        """Store a letter as it is told, unless one of its source and position is stored; whether it was stored."""
        ...

    async def get(self, source: str, position: str) -> DeadLetter:
        """The letter; NotFoundError if there is none."""
        ...

    async def list(
        self, source: str | None = None, resolved: bool = False, after: str | None = None, limit: int = 100
    ) -> Page[DeadLetter]:
        """A page of the letters that wait, or of those `resolved`, newest first by (failed_at, source, position).

        Only those of this `source`, if given. A letter that is resolved while pages are read moves to the other list.

        `limit` is 1 to 1,000, `after` None or the `next` of a page of the same list; others are an InvalidDataError.
        """
        ...

    @stream_of(list)
    def stream(self, source: str | None = None, resolved: bool = False) -> AsyncIterator[DeadLetter]:
        """All letters of `list`, in its order and in constant memory: pages are read as the iteration goes on, without
        a transaction held open.
        """
        return by_backend(source, resolved)

    async def resolve(self, source: str, position: str, resolution: Resolution, note: str | None = None) -> DeadLetter:
        """Resolve the letter, by the storage's clock, and return it as it is then.

        Once: resolved the same way already, it is returned as it is stored, with the first note; ConflictError if it
        is resolved another way, NotFoundError if there is none.
        """
        ...

    async def count(self, source: str | None = None) -> int:
        """How many letters wait, those of this `source` only, if given."""
        ...
