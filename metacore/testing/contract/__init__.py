"""The contract of the storages as tests: one for each sentence of the protocols' docstrings.

The author of a backend has a fixture `backend` that gives a `Backend`, and beside it in a test module all classes, by
`globals().update(suite(...))`, or subclasses of some: each is found here by its name, such as `UserStorageContract`,
and in the module of what it is about. They are written in blocking style; a `Runner` lets them run on asynchronous
storages too.
"""

from functools import cache
from importlib import import_module
from inspect import getmembers, isclass
from pkgutil import iter_modules
from typing import Any

from metacore.testing.contract.base import Backend as Backend
from metacore.testing.contract.base import Contract as Contract

__all__ = ["Backend", "Contract", "suite"]


@cache
def _classes() -> dict[str, type[Contract]]:
    modules = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]
    found = {name: kind for module in modules for name, kind in getmembers(module, isclass)}
    return {name: kind for name, kind in sorted(found.items()) if issubclass(kind, Contract) and kind is not Contract}


def __getattr__(name: str) -> Any:
    if name.endswith("Contract") and name in _classes():
        return _classes()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, *_classes()])


def suite(*, event_loop: bool) -> dict[str, type[Contract]]:
    """Every class of the suite, by a name that pytest collects; `event_loop` says whether the storage lives in one."""
    left_out = {base for kind in _classes().values() for base in kind.__bases__}
    if not event_loop:
        left_out.add(_classes()["EventLoopContract"])
    contracts = {name: kind for name, kind in _classes().items() if kind not in left_out}
    return {
        name: type(name, (kind,), {"__doc__": kind.__doc__})
        for name, kind in ((f"Test{name.removesuffix('Contract')}", kind) for name, kind in contracts.items())
    }
