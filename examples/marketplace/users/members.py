"""The routes of users and their roles."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from common.problems import documented
from marketplace.callers import Admin, Known
from marketplace.users.member import Granted, Member
from metacore import AccountService, ConflictError, NotFoundError, Page, Storage

Limit = Annotated[int, Query(ge=1, le=100)]
After = Annotated[str | None, Query(description="The `next` of the page before.")]


def router(storage: Storage) -> APIRouter:
    """The routes over the users of `storage`."""
    routes = APIRouter(prefix="/v1", tags=["users"])
    accounts = AccountService(storage)

    @routes.get("/me", responses=documented(401, 404, 503))
    async def me(caller: Known) -> Member:
        """Who asks, with the roles of now."""
        return Member.of(await storage.users.get(caller.user_id))

    @routes.get("/users", responses=documented(400, 401, 403, 503))
    async def list_users(_: Admin, username: str | None = None, limit: Limit = 20, after: After = None) -> Page[Member]:
        """The users, newest first, or the one of this name."""
        if username is not None:
            try:
                return Page((Member.of(await storage.users.get_by_username(username)),))
            except NotFoundError:
                return Page(())
        page = await storage.users.list(after=after, limit=limit)
        return Page(tuple(map(Member.of, page.items)), page.next)

    @routes.put("/users/{user_id}/roles/{role}", responses=documented(400, 401, 403, 404, 503))
    async def grant(user_id: UUID, role: Granted, _: Admin) -> Member:
        """Give a role; it counts from the user's next refresh on."""
        return Member.of(await accounts.grant_permissions(user_id, [role]))

    @routes.delete("/users/{user_id}/roles/{role}", responses=documented(400, 401, 403, 404, 409, 503))
    async def revoke(user_id: UUID, role: Granted, caller: Admin) -> Member:
        """Take a role; it counts from the user's next refresh on."""
        if role is Granted.ADMIN and user_id == caller.user_id:
            raise ConflictError("an ADMIN is one until another takes it")
        return Member.of(await accounts.revoke_permissions(user_id, [role]))

    return routes
