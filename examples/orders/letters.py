"""Dead letters: messages that are no order, with their bytes, until somebody repairs or discards them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from common import problems
from metacore import (
    DeadLetter,
    InvalidDataError,
    OrderRecord,
    OrderRecordService,
    Page,
    Resolution,
    Storage,
    Transaction,
    new_id,
    parse_order_record,
)
from orders.app import JSON, After, page_of

if TYPE_CHECKING:
    from orders.batches import Message

Source = Annotated[str, Path(description="The topic.")]
Position = Annotated[str, Path(description="The partition, the offset and the time of the message.")]
Limit = Annotated[int, Query(ge=1, le=100)]

LARGEST_PAGE = 8 * 2**20
"""How many bytes of messages a page has, but for those read together."""
_AT_ONCE = 5


def letter_of(message: Message, error: InvalidDataError, now: datetime) -> DeadLetter:
    """The letter of a message that is no order.

    Its position has the time of the message, too: the offsets of a topic that was made anew begin again. A header that
    comes several times is a list of its values.
    """
    return DeadLetter(
        source=message.topic,
        position=f"{message.partition}-{message.offset}-{message.timestamp}",
        key=None if message.key is None else message.key.decode("utf-8", "backslashreplace"),
        value=message.value,
        headers=_headers(message),
        error=error.message,
        field=error.field or None,
        failed_at=now,
    )


def record_of(value: bytes | None) -> OrderRecord:
    """The order that a message says; InvalidDataError if it says none."""
    if value is None:
        raise InvalidDataError("the message has no value")
    return parse_order_record(value)


async def replay(
    storage: Storage, service: OrderRecordService, source: str, position: str, repaired: bytes
) -> DeadLetter:
    """Store the order of a letter, by its `repaired` bytes if there are any; once, whoever asks how often.

    InvalidDataError if it is still none, ConflictError if the letter was discarded; then nothing is stored.
    """
    letter = await storage.dead_letters.get(source, position)
    if letter.resolution is not None:
        return await storage.dead_letters.resolve(source, position, Resolution.REPLAYED)
    record = record_of(repaired or letter.value)
    # Of several who replay it at once, the first is told by its note, and stores.
    note = f"replayed as {new_id()}"

    async def resolve(transaction: Transaction) -> DeadLetter:
        resolved = await transaction.dead_letters.resolve(source, position, Resolution.REPLAYED, note)
        if resolved.note == note:
            await transaction.order_records.save(record)
        return resolved

    with service.changing(record.order_uid):
        return await storage.run(resolve)


async def page_of_letters(
    storage: Storage, source: str | None, resolved: bool, after: str | None, limit: int
) -> Page[DeadLetter]:
    """A page of letters: up to `limit`, fewer where they are so large that it would be too much to hold."""
    items: list[DeadLetter] = []
    while True:
        page = await storage.dead_letters.list(source, resolved, after, min(limit - len(items), _AT_ONCE))
        items += page.items
        after = page.next
        if after is None or len(items) >= limit or sum(len(letter.value or b"") for letter in items) > LARGEST_PAGE:
            return Page(items=tuple(items), next=after)


def router(storage: Storage, service: OrderRecordService) -> APIRouter:
    """The routes of dead letters."""
    routes = APIRouter(prefix="/api/v1/dead-letters")
    documented = problems.documented(400, 404, 409, 413, 503)

    @routes.get("", response_model=Page[DeadLetter], responses=problems.documented(400, 503))
    async def list_letters(
        source: str | None = None, resolved: bool = False, limit: Limit = 20, after: After = None
    ) -> Response:
        page = await page_of_letters(storage, source, resolved, after, limit)
        return page_of((letter.model_dump_json() for letter in page.items), page.next)

    @routes.post(
        "/{source}/{position}/replay",
        responses=documented,
        openapi_extra={"requestBody": {"description": "The repaired message", "content": {JSON: {"schema": {}}}}},
    )
    async def replay_letter(source: Source, position: Position, request: Request) -> DeadLetter:
        return await replay(storage, service, source, position, await request.body())

    @routes.post("/{source}/{position}/discard", responses=problems.documented(400, 404, 409, 503))
    async def discard_letter(source: Source, position: Position) -> DeadLetter:
        return await storage.dead_letters.resolve(source, position, Resolution.DISCARDED)

    return routes


def _headers(message: Message) -> dict[str, str | list[str | None] | None]:
    by_name: dict[str, list[str | None]] = {}
    for name, value in message.headers:
        # A header without a value comes as None, whatever the types say.
        text = None if value is None else value.decode("utf-8", "backslashreplace")
        by_name.setdefault(name, []).append(text)
    return {name: texts[0] if len(texts) == 1 else texts for name, texts in by_name.items()}
