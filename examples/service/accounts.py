"""The routes of accounts: users, what they have, and how it came."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from common.problems import documented
from metacore import (
    Balance,
    BalanceEntry,
    EntryFilter,
    EntryReason,
    InvalidDataError,
    NewUser,
    Page,
    Storage,
    TradingService,
    Transfer,
    TransferResult,
    User,
)
from service.asking import After, Limit, asked


def router(storage: Storage) -> APIRouter:
    """The routes over `storage`."""
    routes = APIRouter(tags=["accounts"])
    trading = TradingService(storage)
    moves = {EntryReason.DEPOSIT: trading.deposit, EntryReason.WITHDRAWAL: trading.withdraw}

    @routes.post("/users", status_code=201, responses=documented(400, 409, 413, 503))
    async def create_user(user: NewUser) -> User:
        """Open an account."""
        return await storage.users.create(user)

    @routes.get("/users/{user_id}", responses=documented(400, 404, 503))
    async def get_user(user_id: UUID) -> User:
        """One account."""
        return await storage.users.get(user_id)

    @routes.post("/transfers", responses=documented(400, 403, 404, 409, 413, 503))
    async def transfer(move: Transfer) -> TransferResult:
        """A deposit or a withdrawal, once for each reference."""
        if move.reason not in moves:
            raise InvalidDataError("must be DEPOSIT or WITHDRAWAL", field="reason")
        return await moves[move.reason](
            move.user_id,
            move.asset,
            move.amount,
            move.reference,
            move.occurred_at,
        )

    @routes.get("/users/{user_id}/balances", responses=documented(400, 503))
    async def balances(user_id: UUID) -> list[Balance]:
        """What an account has, free and locked, by asset."""
        return list(await storage.balances.list(user_id))

    @routes.get("/users/{user_id}/journal", responses=documented(400, 503))
    async def journal(
        user_id: UUID,
        asset: Annotated[str | None, Query(description="Of this asset alone.")] = None,
        after: After = None,
        limit: Limit = 100,
    ) -> Page[BalanceEntry]:
        """How the balances became what they are, newest first."""
        return await storage.balances.journal(user_id, asked(EntryFilter, asset=asset), after, limit)

    return routes
