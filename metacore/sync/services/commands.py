# Made from metacore/services/commands.py by `python tools/generate_sync.py`. Do not edit.
"""The one way in which every command is carried out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from metacore.domain.trading.asset_names import lock_order
from metacore.domain.trading.balances import Balance, BalanceKey
from metacore.domain.trading.commands import Command, NotAloneError, Owned, by_user
from metacore.domain.trading.decisions import Changes, Selection
from metacore.domain.trading.unit_of_work import UnitOfWork
from metacore.errors import AlreadyExistsError, InsufficientFundsError
from metacore.sync.services.transactions import in_transaction
from metacore.sync.storage.storage import Storages, Transaction
from metacore.watching import tell_outcomes

R = TypeVar("R")
T = TypeVar("T", bound=Owned)


def execute(storage: Storages, command: Command[R], feed: str | None = None) -> R:
    """Load, decide and save `command` in a transaction; once more, alone with its users, if somebody may have stored
    the same.

    Users are locked shared at first, so that their calls go on side by side. Of two that store the same thing, the
    loser collides on its unique key, or finds the funds taken; alone, it finds the thing stored. So does who would have
    to wait for a balance out of turn. With a topic `feed`, what it changes is told there.
    """
    try:
        result = in_transaction(storage, lambda tx: _attempt(tx, command, feed, exclusive=False))
    except (AlreadyExistsError, InsufficientFundsError, NotAloneError):
        result = in_transaction(storage, lambda tx: _attempt(tx, command, feed, exclusive=True))
    tell_outcomes(type(command).__name__, result)
    return result


def execute_by_user(
    storage: Storages,
    command: Callable[[Sequence[T]], Command[Sequence[R]]],
    items: Sequence[T],
    feed: str | None = None,
) -> Sequence[R]:
    """Execute the `command` of each user's `items`, a transaction for each user, by id; results in the order of items.

    An error ends it: what was done for the users before stays.
    """
    results: dict[int, R] = {}
    for positions in by_user((item.user_id, position) for position, item in enumerate(items)).values():
        part = execute(storage, command(tuple(items[position] for position in positions)), feed)
        results.update(zip(positions, part, strict=True))
    return tuple(results[position] for position in range(len(items)))


def _attempt(tx: Transaction, command: Command[R], feed: str | None, exclusive: bool) -> R:
    selection = replace(command.selection(exclusive), update_seqs=feed is not None)
    work = UnitOfWork(tx.load(selection), tx.now(), alone=selection.exclusive_users)
    if keys := command.balances(work) - work.balances.keys():
        work.open_balances(_lock(tx, keys, work.balances, alone=selection.exclusive_users))
    # The events of a feed tell once what a whole command changes.
    first, *others = command.parts() if feed is None else (command,)
    results = [first.decide(work)]
    if others:
        saved = tx.save(_decided_in_parts(others, work, results), last=True)
        return command.result(command.joined(results), saved)
    return command.result(results[0], tx.save(work.changes(feed), last=True))


def _lock(
    tx: Transaction, keys: Collection[BalanceKey], locked: Collection[BalanceKey], alone: bool
) -> Sequence[Balance]:
    """The balances of `keys`, locked after the `locked` ones.

    One that comes before a locked one in the order of locks is not waited for: who has it may wait for that one. So if
    it is not to be had at once, NotAloneError, unless the command is `alone` with its users.
    """
    passes = bool(locked) and not alone and min(map(lock_order, keys)) < max(map(lock_order, locked))
    loaded = tx.load(Selection(locked_balances=tuple(keys), skip_locked=passes))
    if passes and len(loaded.locked_balances) < len(set(map(lock_order, keys))):
        raise NotAloneError
    return loaded.locked_balances


def _decided_in_parts(others: Iterable[Command[R]], work: UnitOfWork, results: list[R]) -> Iterator[Changes]:
    """What a part that was decided changes, then what each of the `others` does, decided when it is asked for; what it
    decides is added to `results`.
    """
    yield work.take_changes()
    for part in others:
        results.append(part.decide(work))
        yield work.take_changes()
