"""`/health`: each part by name, and why one is not well."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from fastapi import APIRouter, Response
from pydantic import BaseModel

from metacore import MetacoreError

Check = Callable[[], Awaitable[None]]
"""Returns if the part is well; raises UnwellError, or an error of the library, if it is not."""

_logger = logging.getLogger(__name__)


class UnwellError(Exception):
    """A part is not well. The message says why, to anybody: no secret is in it."""


class PartHealth(BaseModel):
    """How one part is."""

    status: str
    reason: str | None = None


class Health(BaseModel):
    """How the system is: "ok" if every part is."""

    status: str
    parts: dict[str, PartHealth]


def router(checks: Mapping[str, Check], within: float = 2) -> APIRouter:
    """The route, over these checks, which run at the same time, each for no more seconds than `within`."""
    routes = APIRouter()

    @routes.get("/health", responses={503: {"model": Health, "description": "Some part is not well"}})
    async def health(response: Response) -> Health:
        found = await asyncio.gather(*(_examine(check, within) for check in checks.values()))
        parts = dict(zip(checks, found, strict=True))
        well = all(part.status == "ok" for part in found)
        if not well:
            response.status_code = 503
        return Health(status="ok" if well else "degraded", parts=parts)

    return routes


async def _examine(check: Check, within: float) -> PartHealth:
    try:
        async with asyncio.timeout(within):
            await check()
    except UnwellError as error:
        return PartHealth(status="down", reason=str(error))
    except MetacoreError as error:
        return PartHealth(status="down", reason=type(error).__name__)
    except TimeoutError:
        return PartHealth(status="down", reason=f"no answer within {within:g} s")
    except Exception as error:
        _logger.warning("a check failed by what it does not expect", exc_info=error)
        return PartHealth(status="down", reason=type(error).__name__)
    return PartHealth(status="ok")
