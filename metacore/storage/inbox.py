"""The contract of the storage of what has come in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from metacore.domain.messages.inbox import Acceptance, MessageKey


class InboxStorage(Protocol):
    """Keeps how far each consumer is: what is accepted in the transaction of its effect takes effect once."""

    async def accept(self, consumer: str, topic: str, key: str, seq: int) -> Acceptance:
        """Whether the message `seq` of a topic and key is NEW to the consumer, a DUPLICATE, or comes after a GAP.

        NEW is the one that follows the last, 1 at first; it is accepted by that, and of several at the same time one is
        NEW. The others wait for its transaction, and are NEW in turn if that is undone. A DUPLICATE and what comes
        after a GAP change nothing; `expected` tells which seq is to come.
        """
        ...

    async def accept_many(self, consumer: str, messages: Iterable[MessageKey]) -> Sequence[Acceptance]:
        """`accept` each of `messages`, `(topic, key, seq)`, in list order, and tell what each is, in that order.

        Topics and keys are locked in one order, so that two calls at the same time do not wait for each other. An
        InvalidDataError accepts nothing.
        """
        ...

    async def once(self, consumer: str, message_id: str | UUID) -> bool:
        """Accept a message by its id alone, whatever its order; False if the consumer has accepted it already."""
        ...

    async def purge(self, before: datetime, limit: int = 1000) -> int:
        """Forget ids that `once` accepted before that time, the oldest first, at most `limit`; how many.

        How far a key is accepted is never forgotten. `limit` is 1 to 1,000.
        """
        ...
