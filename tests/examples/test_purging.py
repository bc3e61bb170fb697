"""Old sessions are deleted, and no others."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta

import pytest

import metacore
from common.purging import keep_purged
from metacore import NewSession, NewUser, NotFoundError, Storage


async def _begin(storage: Storage, expires_in: timedelta) -> NewSession:
    user = await storage.users.create(NewUser())
    expires_at = storage.now() + expires_in
    new = NewSession(user_id=user.id, token_hash=bytes(32), idle_until=expires_at, expires_at=expires_at)
    return await storage.sessions.create(new)


async def _forget() -> None:
    stop = asyncio.Event()
    async with metacore.connect("memory:") as storage:
        old, young = await _begin(storage, timedelta(days=-1)), await _begin(storage, timedelta(days=1))

        def purge(limit: int) -> Awaitable[int]:
            return storage.sessions.purge(storage.now(), limit)

        purging = asyncio.create_task(keep_purged("sessions", purge, 3600, stop))
        await asyncio.sleep(0)
        stop.set()
        await purging
        with pytest.raises(NotFoundError):
            await storage.sessions.get(old.user_id, old.id)
        assert (await storage.sessions.get(young.user_id, young.id)).id == young.id


def test_a_session_that_has_expired_is_forgotten() -> None:
    asyncio.run(_forget())
