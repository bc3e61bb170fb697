"""Who calls, and what that caller may do: nobody known is a 401, somebody who may not is a 403."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Annotated

from fastapi import Depends
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from common.access_tokens import AccessTokens, Claims, SignedIn


class Role(StrEnum):
    """What a user is, by a permission of this name. SERVICE is nobody's: services are it when they ask each other."""

    CUSTOMER = "CUSTOMER"
    SELLER = "SELLER"
    WAREHOUSE = "WAREHOUSE"
    ADMIN = "ADMIN"
    SERVICE = "SERVICE"


def is_one_of(claims: Claims, *roles: Role) -> bool:
    """Whether the caller has one of these roles; an ADMIN has them all."""
    return not claims.roles.isdisjoint((*roles, Role.ADMIN))


def require_one_of(claims: Claims, *roles: Role) -> Claims:
    """The claims of a caller who has one of these roles; a 403 for another one."""
    if not is_one_of(claims, *roles):
        raise HTTPException(403, f"this is for {' and '.join(roles)}")
    return claims


def _one_of(*roles: Role) -> Callable[[HTTPConnection], Awaitable[Claims]]:
    async def caller(request: HTTPConnection) -> Claims:
        tokens: AccessTokens = request.app.state.access_tokens
        return require_one_of(tokens.of(request), *roles)

    return caller


Known = SignedIn
"""Whoever has signed in."""
Customer = Annotated[Claims, Depends(_one_of(Role.CUSTOMER))]
Seller = Annotated[Claims, Depends(_one_of(Role.SELLER))]
Warehouse = Annotated[Claims, Depends(_one_of(Role.WAREHOUSE))]
Admin = Annotated[Claims, Depends(_one_of(Role.ADMIN))]
Service = Annotated[Claims, Depends(_one_of(Role.SERVICE))]
StockKeeper = Annotated[Claims, Depends(_one_of(Role.WAREHOUSE, Role.SELLER))]
