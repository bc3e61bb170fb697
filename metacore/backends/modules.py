"""The modules that a storage of the list has, each in its package."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from metacore.errors import ConfigurationError


def path_of(package: str, storage: str) -> str:
    """Where the module of `storage` in `package` is, seen from where the package is."""
    return f"{package}.{storage}".replace(".", "/") + ".py"


def module_of(package: str, storage: str) -> ModuleType:
    """The module of `storage` in `package`; ConfigurationError, which names the file, if there is none."""
    module = f"{package}.{storage}"
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
    raise ConfigurationError(
        f"{path_of(package, storage)} is missing: the storage `{storage}` is in the list of"
        f" metacore/storage/storages.py, and {package} has a module for each of them"
    )
