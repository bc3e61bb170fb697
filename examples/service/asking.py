"""What requests ask for in their queries."""

from __future__ import annotations

from typing import Annotated, TypeVar

from fastapi import Query
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

M = TypeVar("M", bound=BaseModel)

Limit = Annotated[int, Query(ge=1, le=1000)]
After = Annotated[str | None, Query(description="The `next` of the page before.")]


def asked(model: type[M], **values: object) -> M:
    """The filter that a query asks for; what it refuses is answered like any other bad request."""
    try:
        return model(**values)
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from None
