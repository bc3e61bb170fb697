"""What the user service is made of."""

from __future__ import annotations

from pydantic import SecretStr

from marketplace.context import Contents, ServiceContext
from marketplace.settings import ADMIN_PASSWORD
from marketplace.users import members, signing_in
from marketplace.users.administrator import require_administrator
from metacore import SessionService


async def build(context: ServiceContext) -> Contents:
    """The service."""
    storage, sessions = context.storage, SessionService(context.storage)
    password = context.settings.admin_password.get_secret_value() or context.urls[ADMIN_PASSWORD]
    await require_administrator(storage, sessions, SecretStr(password))
    return Contents(routers=[signing_in.router(sessions, context.access_tokens, storage.now), members.router(storage)])
