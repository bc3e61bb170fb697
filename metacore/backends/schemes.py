"""Which storage a URL names: by its scheme, in a table that the installed packages fill."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from metacore.errors import ConfigurationError, MetacoreError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "metacore.backends"
"""The group of entry points: each is named as a scheme, and gives a `Scheme`."""

PACKAGE = "metacore"

OWN = {
    "postgresql": "metacore.postgres.backend:POSTGRESQL",
    "postgres": "metacore.postgres.backend:POSTGRESQL",
    "memory": "metacore.memory.backend:MEMORY",
    "embedded": "metacore.postgres.backend:EMBEDDED",
}
"""The entry points of Metacore itself, for a checkout on the path, which was not installed."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """What URLs of one scheme open.

    `urls` shows how they read. `async_storage` and `blocking_storage` are where a class is, as "package.module:Class",
    imported by the first `connect` that needs it: it is called with the URL, the settings and the clock, None where
    `connect` was given none, and makes a `Storage` of `metacore.storage.storage` or of `metacore.sync.storage.storage`.
    `is_deployed` tells whether the URL names a database that `SchemaDeployer` is to bring to its schema; `takes_pool`
    says whether the classes take a connection pool, too, as `pool`.
    """

    urls: str
    async_storage: str
    blocking_storage: str
    is_deployed: Callable[[str], bool] = lambda _: False
    takes_pool: bool = False


def scheme_of(url: str) -> str:
    """What stands before the first colon of `url`."""
    return url.partition(":")[0]


def find_scheme(url: str) -> Scheme | None:
    """The scheme of `url`, None if no installed package has it; ConfigurationError if the package's word is broken."""
    name = scheme_of(url)
    entries = _entries().get(name)
    return _load(name, entries) if entries else None


def require_scheme(url: str) -> Scheme:
    """The scheme of `url`; ConfigurationError, which names the installed ones, if it is none of them."""
    scheme = find_scheme(url)
    if scheme is None:
        require_no_driver(url)
        raise unknown_url()
    return scheme


def require_no_driver(url: str) -> None:
    """ConfigurationError, which says what to write, if `url` names a driver as SQLAlchemy's do: postgresql+psycopg."""
    name, plus, _ = scheme_of(url).partition("+")
    if plus and name in _entries():
        raise ConfigurationError(
            f"the URL names a driver, as for SQLAlchemy; write {name}:// in place of {name}+...://", setting="url"
        )


def unknown_url() -> ConfigurationError:
    """The error of a URL that names no storage."""
    return ConfigurationError(f"the URL names no storage that is installed: use {installed()}", setting="url")


def installed() -> str:
    """How the URLs of all installed schemes read; a broken one is told by its name."""
    urls = []
    for name, entries in _entries().items():
        try:
            urls.append(_load(name, entries).urls)
        except ConfigurationError:
            urls.append(f"{name}:... (broken)")
    return " or ".join(filter(None, [", ".join(dict.fromkeys(urls[:-1])), urls[-1]]))


def make_storage(url: str, place: str, kind: type, settings: object, clock: object, pool: object = None) -> Any:
    """The storage of the class at `place`, which the URL's scheme names; ConfigurationError unless it is a `kind`."""
    entry = _entries()[scheme_of(url)][0]
    flaw = f"cannot load {place}"
    try:
        storage_class = resolve_name(place)
        flaw = f"fails as {place} is called with a URL, settings and a clock"
        storage = storage_class(url, settings, clock, **({} if pool is None else {"pool": pool}))
    except (MetacoreError, ValidationError):
        raise
    except _ANYTHING as error:
        if package_of(entry) == PACKAGE:
            raise
        raise _broken(entry, f"{flaw}: {_words(error)}") from error
    if not isinstance(storage, kind):
        raise _broken(entry, f"makes a {type(storage).__name__} by {place}, and no {kind.__module__}.{kind.__name__}")
    return storage


_ANYTHING = (Exception, SystemExit)


def _broken(entry: EntryPoint, flaw: str) -> ConfigurationError:
    return ConfigurationError(
        f"the package {package_of(entry)} has a broken backend of {entry.name}: URLs. It {flaw}; repair, upgrade or"
        " remove that package",
        setting="url",
    )


def package_of(entry: EntryPoint) -> str:
    """The name of the package that declares `entry`."""
    return entry.dist.name if entry.dist is not None else PACKAGE


def _load(name: str, entries: Sequence[EntryPoint]) -> Scheme:
    if len(entries) > 1:
        packages = " and ".join(sorted(map(package_of, entries)))
        raise ConfigurationError(
            f"{name}: URLs are claimed by several packages: {packages}; remove all of them but one", setting="url"
        )
    (entry,) = entries
    try:
        scheme = entry.load()
    except _ANYTHING as error:
        raise _broken(entry, f"cannot load {entry.value}: {_words(error)}") from error
    if not isinstance(scheme, Scheme):
        raise _broken(entry, f"gives a {type(scheme).__name__} as {entry.value}, and no {__name__}.Scheme")
    return scheme


def _words(error: BaseException) -> str:
    """What may be told of an error of strangers: the name of what is missing, nothing that may repeat a URL."""
    return f"{type(error).__name__}: {error}" if isinstance(error, ImportError) else type(error).__name__


def _entries() -> Mapping[str, Sequence[EntryPoint]]:
    """The entry points by scheme, those of Metacore first."""
    return _entries_on(tuple(sys.path))


@lru_cache(maxsize=1)
def _entries_on(path: tuple[str, ...]) -> Mapping[str, Sequence[EntryPoint]]:  # noqa: ARG001 - what was found depends on it
    from importlib.metadata import EntryPoint, entry_points

    found: dict[str, list[EntryPoint]] = {name: [] for name in OWN}
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        found.setdefault(entry.name, []).append(entry)
    for name, value in OWN.items():
        if PACKAGE not in map(package_of, found[name]):
            found[name].append(EntryPoint(name, value, GROUP))
    return {name: tuple(entries) for name, entries in found.items()}
