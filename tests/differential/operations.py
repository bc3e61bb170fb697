"""Operations on a storage as values: drawn at random, performed on any backend, with outcomes that compare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from metacore.domain.messages.claims import Claim, ClaimedKey
from metacore.domain.values.model import Model
from metacore.errors import MetacoreError
from metacore.sync.storage.storage import Storage
from metacore.testing.runners import Runner


@dataclass(frozen=True)
class Operation:
    """A call of the method at `path`, such as "orders.create", "trading.place_order" or "save"."""

    path: str
    args: tuple[Any, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        arguments = [repr(value) for value in self.args] + [f"{name}={value!r}" for name, value in self.options.items()]
        return f"{self.path}({', '.join(arguments)})"


@dataclass(frozen=True)
class Block:
    """Operations in a transaction, or in a savepoint within one; `is_undone` if its block is left by an error."""

    steps: tuple[Operation | Block, ...]
    is_undone: bool = False


FEED = "feed"
"""The topic where all that is traded is told."""

SERVICES: dict[str, tuple[str, dict[str, Any]]] = {
    "trading": ("TradingService", {"feed": FEED}),
    "ledger": ("LedgerService", {"feed": FEED}),
}
"""What is built on the storage, and how, by the beginning of a path."""


class UndoError(Exception):
    """Leaves a block."""


def perform(runner: Runner, storage: Any, step: Operation | Block) -> Any:
    """What came of `step` on the storage or transaction, as plain data."""
    if isinstance(step, Block):
        return _perform_block(runner, storage, step)
    if step.path in ("load", "save") and not hasattr(storage, step.path):
        return _perform_block(runner, storage, Block((step,)))
    target = storage
    *parents, method = step.path.split(".")
    for name in parents:
        if name in SERVICES:
            service, settings = SERVICES[name]
            target = runner.service(service, storage, **settings)
        else:
            target = getattr(target, name)
    try:
        result = getattr(target, method)(*step.args, **step.options)
        return plain(list(result) if isinstance(result, Iterator) else result)
    except MetacoreError as error:
        return plain(error)


def _perform_block(runner: Runner, storage: Any, block: Block) -> list[Any]:
    outcomes = []
    try:
        with storage.transaction() as tx:
            outcomes.extend(perform(runner, tx, step) for step in block.steps)
            if block.is_undone:
                raise UndoError
    except UndoError:
        outcomes.append("undone")
    except MetacoreError as error:
        outcomes.append(plain(error))
    return outcomes


WAYS = ("all", "first", "retry", "park", "leave")
"""What a relay may do with a key of its claim."""


def deal(storage: Any, claim: Claim, ways: Sequence[str]) -> Any:
    """What comes of dealing with the keys of a claim in these ways, be its lease lost or not."""
    return plain([_deal(storage, claim, claimed, way) for claimed, way in zip(claim.keys, ways, strict=False)])


def _deal(storage: Any, claim: Claim, claimed: ClaimedKey, way: str) -> Any:
    key, events = (claimed.topic, claimed.key), claimed.events
    try:
        if way == "retry":
            return storage.outbox.retry(claim.id, *key, "error", claim.leased_until)
        if way == "park":
            return storage.outbox.park(claim.id, *key, events[0].seq, "error")
        if way in ("all", "first"):
            return storage.outbox.done(claim.id, {key: events[-1 if way == "all" else 0].seq})
    except MetacoreError as error:
        return error
    return None


def new_events(storage: Storage) -> Any:
    """What the feed has told since it was asked last."""
    events = []
    while (claim := storage.outbox.claim([FEED], keys=1000, per_key=1000)).keys:
        storage.outbox.done(claim.id, claim.upto)
        # Each backend made ids of its own.
        events += [{name: value for name, value in event.fields().items() if name != "id"} for event in claim.events]
    return plain(events)


def plain(value: Any) -> Any:
    """`value` as data that are equal only if every digit, type and field is."""
    if isinstance(value, MetacoreError):
        fields = {name: plain(field) for name, field in vars(value).items() if name != "message"}
        return {"raised": type(value).__name__, **fields}
    if isinstance(value, Model):
        return {"model": type(value).__name__, **plain(value.fields())}
    if hasattr(value, "__dataclass_fields__"):
        fields = {name: plain(getattr(value, name)) for name in value.__dataclass_fields__}
        return {"model": type(value).__name__, **fields}
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, Enum):
        return f"{type(value).__name__}.{value.name}"
    if isinstance(value, Decimal):
        return f"{value}"
    if isinstance(value, datetime):
        return f"{value.isoformat()} {value.tzinfo}"
    return value


def difference(left: Any, right: Any, path: str = "") -> str:
    """Where two plain values first differ, and how; empty if they do not."""
    if isinstance(left, dict) and isinstance(right, dict) and left.keys() == right.keys():
        parts = [(f"{path}.{key}", left[key], right[key]) for key in left]
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        parts = [(f"{path}[{n}]", *pair) for n, pair in enumerate(zip(left, right, strict=True))]
    else:
        return "" if left == right and type(left) is type(right) else f"{path}: {left!r} is not {right!r}"
    return next(filter(None, (difference(one, other, at) for at, one, other in parts)), "")


def everything(storage: Any) -> dict[str, Any]:
    """All that is stored, as plain data, with what the audits find."""
    users = storage.users.list(limit=1000).items
    state: dict[str, Any] = {"users": users, "order records": storage.order_records.list(limit=1000).items}
    state["dead letters"] = [storage.dead_letters.list(resolved=resolved, limit=1000) for resolved in (False, True)]
    state["bars"] = [storage.bars.list(feed, symbol) for feed in ("live", "test") for symbol in ("1", "2")]
    state["events"] = [storage.outbox.read(topic, key) for topic in ("1", "2") for key in ("1", "2")]
    state["lag"] = [storage.outbox.lag(topic) for topic in ("1", "2")]
    for user in users:
        orders = storage.orders.list(user.id, limit=1000).items
        state[str(user.id)] = {
            "orders": orders,
            "updates": [storage.order_updates.list(*order.key) for order in orders],
            "trades": storage.trades.list(user.id, limit=1000).items,
            "balances": storage.balances.list(user.id),
            "entries": storage.balances.entries(user.id, limit=1000).items,
            "reservations": storage.reservations.list(user.id, limit=1000).items,
            "portfolio": storage.portfolios.get(user.id),
            "archives": storage.archives.list(user.id),
            "sessions": storage.sessions.list(user.id),
            "login": storage.logins.fail(user.id),
            "audit": storage.balances.audit(user.id),
        }
    result: dict[str, Any] = plain(state)
    return result
