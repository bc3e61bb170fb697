"""Every operation of every storage of the list, on what does not exist."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from inspect import getmembers, isfunction
from typing import Any

from metacore.backends.modules import module_of, path_of
from metacore.errors import ConfigurationError
from metacore.sync.storage.storage import Storage
from metacore.sync.storage.storages import STORAGES

PACKAGE = "metacore.testing.contract"


def operations_of_storages() -> dict[str, Callable[[Storage], object]]:
    """The OPERATIONS of each storage's module, as `<storage>.<method>`; ConfigurationError if one is not there."""
    return {
        f"{storage}.{method}": partial(_perform, storage, call)
        for storage, protocol in STORAGES.items()
        for method, call in _operations(storage, protocol).items()
    }


def _perform(name: str, call: Callable[[Any], object], storage: Storage) -> object:
    return call(getattr(storage, name))


def _operations(storage: str, protocol: type) -> dict[str, Callable[[Any], object]]:
    module = module_of(PACKAGE, storage)
    operations: dict[str, Callable[[Any], object]] = getattr(module, "OPERATIONS", {})
    methods = {name for name, _ in getmembers(protocol, isfunction) if not name.startswith("_")}
    if wrong := methods.symmetric_difference(operations.keys() | getattr(module, "NEED_KEYS", set())):
        raise ConfigurationError(
            f"{path_of(PACKAGE, storage)}: OPERATIONS are to be the methods of {protocol.__name__}, each with a call on"
            f" what does not exist; see to {', '.join(sorted(wrong))}"
        )
    return operations
