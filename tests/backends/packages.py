"""Packages as a stranger may install them, made of files in a directory on the path."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from metacore.backends import bundles, schemes
from metacore.backends.schemes import GROUP
from metacore.storage.storages import STORAGES
from metacore.sync.backends import bundles as blocking_bundles


@contextmanager
def installed(directory: Path, name: str, entries: Mapping[str, str], files: Mapping[str, str] = {}) -> Iterator[None]:
    """Have the package `name` on the path for the block, with these entry points and files, and forget it after."""
    metadata = directory / f"{name.replace('-', '_')}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    points = "\n".join(f"{scheme} = {value}" for scheme, value in entries.items())
    (metadata / "entry_points.txt").write_text(f"[{GROUP}]\n{points}\n")
    for path, text in files.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(text)
    before = set(sys.modules)
    sys.path.insert(0, str(directory))
    try:
        yield
    finally:
        sys.path.remove(str(directory))
        for module in set(sys.modules) - before:
            if str(getattr(sys.modules[module], "__file__", None)).startswith(str(directory)):
                del sys.modules[module]
        # The next package may lie in a directory of this name, as tests are given the same again.
        schemes._entries_on.cache_clear()
        bundles.storage_classes.cache_clear()
        blocking_bundles.storage_classes.cache_clear()


_STORAGE = '''
"""A storage that has its tables by name: who opens it again finds what was stored."""

from {metacore}.backends.bundles import BaseStorage, BaseTransaction
from {metacore}.memory.storages.session import AutocommitSession, Store
from {metacore}.memory.storages.transaction import MemoryTransaction

TABLES = {{}}


class MineTransaction(MemoryTransaction):
    package = "{package}.{place}"


class MineStorage(BaseStorage):
    transaction_class = MineTransaction

    def __init__(self, url, settings, clock):
        store = Store(settings, clock)
        store.tables = TABLES.setdefault(url, store.tables)
        super().__init__(AutocommitSession(store))
'''

_ONE = '''
from {metacore}.memory.storages.{name} import Memory{kind}


class Mine{kind}(Memory{kind}):
    """Keeps the contract as memory does."""
'''

_BACKEND = """
from metacore.backends.schemes import Scheme

MINE = Scheme(
    urls="{package}://name",
    async_storage="{package}.waiting.storage:MineStorage",
    blocking_storage="{package}.blocking.storage:MineStorage",
)
"""


def backend(package: str) -> dict[str, str]:
    """The files of a package with a backend of its own: a bundle, a transaction and a module for each storage."""
    files = {f"{package}/__init__.py": "", f"{package}/backend.py": _BACKEND.format(package=package)}
    for place, metacore in (("waiting", "metacore"), ("blocking", "metacore.sync")):
        files[f"{package}/{place}/__init__.py"] = ""
        files[f"{package}/{place}/storage.py"] = _STORAGE.format(metacore=metacore, package=package, place=place)
        for name, protocol in STORAGES.items():
            text = _ONE.format(metacore=metacore, name=name, kind=protocol.__name__)
            files[f"{package}/{place}/{name}.py"] = text
    return files
