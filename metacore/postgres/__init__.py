"""PostgreSQL: the storage, its schema deployer, and a private server of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from metacore.postgres.embedded import EmbeddedPostgres as EmbeddedPostgres
    from metacore.postgres.schema.deployer import SchemaDeployer as SchemaDeployer

_MODULE_OF = {"EmbeddedPostgres": "metacore.postgres.embedded", "SchemaDeployer": "metacore.postgres.schema.deployer"}

__all__ = ["EmbeddedPostgres", "SchemaDeployer"]


def __getattr__(name: str) -> Any:
    if (module := _MODULE_OF.get(name)) is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(module), name)
    return value
