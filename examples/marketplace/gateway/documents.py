"""`/openapi.json` of the whole: the routes of all services as one document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_REFERENCE = "#/components/schemas/"
_SIGNING_IN = ("/v1/login", "/v1/refresh", "/v1/logout")
_BEARER = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


def merged(documents: Mapping[str, dict[str, Any]], title: str) -> dict[str, Any]:
    """The public routes of these documents, by the names of their services. Two schemas of one name that differ are
    kept apart by the name of the service.
    """
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    for service, document in documents.items():
        own: dict[str, Any] = document.get("components", {}).get("schemas", {})
        names = {name: name for name in own}
        for name in own:
            if name in schemas and schemas[name] != own[name]:
                names[name] = f"{service.capitalize()}{name}"
        schemas |= {names[name]: _renamed(schema, names) for name, schema in own.items()}
        public = {path: routes for path, routes in document["paths"].items() if path.startswith("/v1/")}
        paths |= _renamed(public, names)
    for path, operations in paths.items():
        for operation in operations.values():
            if "401" in operation["responses"] and path not in _SIGNING_IN:
                operation["security"] = [{"bearer": []}]
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": "1"},
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": dict(sorted(schemas.items())), "securitySchemes": {"bearer": _BEARER}},
    }


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {
            key: _REFERENCE + names[inner.removeprefix(_REFERENCE)]
            if key == "$ref" and isinstance(inner, str) and inner.startswith(_REFERENCE)
            else _renamed(inner, names)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_renamed(inner, names) for inner in value]
    return value
