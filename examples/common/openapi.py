"""`/openapi.json`: what it tells of errors is what is answered."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from common.problems import MEDIA_TYPE

_JSON = "application/json"
_PROBLEM = "#/components/schemas/Problem"
_UNUSED = ("HTTPValidationError", "ValidationError")


def schema_of(app: FastAPI) -> dict[str, Any]:
    """The document of `app`, whose errors are problems; a bad request is a 400, as the table of errors says."""
    schema: dict[str, Any] = get_openapi(title=app.title, version=app.version, routes=app.routes)
    for operations in schema["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            for answer in operation["responses"].values():
                content = answer.get("content", {})
                if content.get(_JSON, {}).get("schema", {}).get("$ref") == _PROBLEM:
                    content[MEDIA_TYPE] = content.pop(_JSON)
    for name in _UNUSED:
        schema["components"]["schemas"].pop(name, None)
    return schema


def describe(app: FastAPI) -> None:
    """Let `app` answer with that document."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = schema_of(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
