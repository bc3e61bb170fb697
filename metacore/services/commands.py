"""The one way in which every command is carried out."""

from __future__ import annotations

from typing import TypeVar

from metacore.domain.trading.commands import Command, NotAloneError
from metacore.domain.trading.unit_of_work import UnitOfWork
from metacore.errors import AlreadyExistsError, InsufficientFundsError, StaleVersionError
from metacore.storage.storage import Storages, Transaction

R = TypeVar("R")


async def execute(storage: Storages, command: Command[R]) -> R:
    """Load, decide and save `command` in a transaction; once more, alone with its users, if somebody may have stored
    the same.

    Users are locked shared at first, so that their calls go on side by side. Of two that store the same thing, the
    loser collides on its unique key, or finds the funds taken; alone, it finds the thing stored.
    """
    try:
        return await storage.run(lambda tx: _attempt(tx, command, exclusive=False))
    except (AlreadyExistsError, InsufficientFundsError, StaleVersionError, NotAloneError):
        return await storage.run(lambda tx: _attempt(tx, command, exclusive=True))


async def _attempt(tx: Transaction, command: Command[R], exclusive: bool) -> R:
    selection = command.selection(exclusive)
    work = UnitOfWork(await tx.load(selection), tx.now(), alone=selection.exclusive_users)
    if keys := command.balances(work):
        work.open_balances(await tx.balances.get_many(keys, for_update=True))
    decided = command.decide(work)
    return command.result(decided, await tx.save(work.changes()))
