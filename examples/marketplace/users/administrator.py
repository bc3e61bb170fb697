"""The first ADMIN, who makes the others."""

from __future__ import annotations

from contextlib import suppress

from pydantic import SecretStr

from marketplace.callers import Role
from metacore import AlreadyExistsError, SessionService, SignInError, Storage

USERNAME = "admin"


async def require_administrator(storage: Storage, sessions: SessionService, password: SecretStr) -> None:
    """Let there be an ADMIN of this password: who changes the setting changes the password."""
    with suppress(AlreadyExistsError):
        await sessions.register(USERNAME, password, [Role.ADMIN])
        return
    try:
        signed_in = await sessions.log_in(USERNAME, password)
    except SignInError:
        await sessions.reset_password((await storage.users.get_by_username(USERNAME)).id, password)
    else:
        await sessions.log_out(signed_in.token)
