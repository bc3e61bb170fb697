"""The rules of the house that no type checker and no linter keeps."""

import ast
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import metacore
import metacore.storage
from metacore.storage.storages import STORAGES
from metacore.storage.streams import pages_of
from metacore.testing import contract

PACKAGE = Path(metacore.__file__).parent
ROOT = PACKAGE.parent
MODULES = sorted(path.relative_to(ROOT) for path in PACKAGE.rglob("*.py"))
SYNC = Path("metacore/sync")

DRIVERS = ("psycopg", "psycopg_pool", "sqlalchemy", "alembic")

MAY_IMPORT = {
    "domain": ("domain", "errors", "ids"),
    "watching": (),
    "storage": ("domain", "storage", "errors", "_compat.aio"),
    "backends": ("domain", "storage", "backends", "crypto", "errors", "config", "watching", "_compat.aio"),
    "memory": ("domain", "storage", "backends", "memory", "crypto", "errors", "config", "_compat.aio"),
    "postgres": (
        *("domain", "storage", "backends", "postgres", "crypto", "errors", "config"),
        *("_compat.aio", "_compat.psycopg_aio", "_compat.psycopg_undocumented"),
    ),
    "services": (
        *("domain", "storage", "services", "crypto", "errors", "watching"),
        *("_compat.aio", "_compat.flights_aio"),
    ),
    "exchanges": ("domain", "exchanges", "errors"),
    "crypto": ("domain", "crypto", "errors", "_compat.aio", "_compat.flights_aio"),
    "config": ("crypto", "errors"),
    "errors": ("errors", "wording"),
    "wording": (),
    "_compat": ("_compat.aio", "_compat.answers", "_compat.blocking", "_compat.psycopg_undocumented"),
}
"""What each part of the house may import of the others."""

MAY_DRIVE = ("postgres", "_compat", "_migrations", "testing")
"""The parts that may import a driver."""

DOCUMENTED = {
    *("psycopg", "psycopg.AsyncConnection", "psycopg.AsyncCursor", "psycopg.Connection", "psycopg.Cursor"),
    *("psycopg.DataError", "psycopg.Error", "psycopg.IsolationLevel", "psycopg.OperationalError", "psycopg.sql"),
    *("psycopg.adapt.AdaptersMap", "psycopg.adapt.Loader", "psycopg.conninfo.conninfo_to_dict"),
    *("psycopg.errors.Diagnostic", "psycopg.pq", "psycopg.pq.PipelineStatus", "psycopg.pq.TransactionStatus"),
    *("psycopg_pool.AsyncConnectionPool", "psycopg_pool.ConnectionPool"),
    *("psycopg_pool.PoolClosed", "psycopg_pool.PoolTimeout", "psycopg_pool.TooManyRequests"),
}
"""What is taken of the driver as its documentation has it."""

CHECKOUT = Path(__file__).parents[1]
LONGEST = {"metacore": 260, "tools": 260, "examples": 260, "tests": 365}
"""The most lines of a file, by the folder that it is in."""


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text(encoding="utf-8"))


def walk_what_runs(tree: ast.Module) -> Iterator[ast.AST]:
    """All of it, but for what only type checkers see."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            waiting += node.orelse
        else:
            waiting += ast.iter_child_nodes(node)


def imports(path: Path) -> Iterator[str]:
    """The modules that the module at `path` imports when it is run."""
    for node in walk_what_runs(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "metacore":
            yield from (f"metacore.{name.name}" for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + str(node.module)


def part(path: Path) -> str:
    """The part of the house that `path` is in; that of the sources, for one in the mirror."""
    inside = path.relative_to(SYNC) if path.is_relative_to(SYNC) else path.relative_to("metacore")
    return inside.parts[0].removesuffix(".py")


def is_within(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


@pytest.mark.parametrize("name", MAY_IMPORT)
def test_imports_run_one_way(name: str) -> None:
    allowed = [f"metacore.{other}" for other in MAY_IMPORT[name]]
    mirrored = [f"metacore.sync.{other}" for other in MAY_IMPORT[name]]
    mirrored += [f"metacore._compat.{other}" for other in ("blocking", "flights_blocking", "psycopg_blocking")]
    paths = [path for path in MODULES if part(path) == name]
    assert paths
    assert not [
        (str(path), module)
        for path in paths
        for module in imports(path)
        if module.startswith((".", "metacore"))
        and not any(
            is_within(module, other) for other in (allowed + mirrored if path.is_relative_to(SYNC) else allowed)
        )
    ]


def test_only_the_postgres_backend_imports_a_driver() -> None:
    assert not [
        (str(path), module)
        for path in MODULES
        if part(path) not in MAY_DRIVE
        for module in imports(path)
        if any(is_within(module, driver) for driver in DRIVERS)
    ]


def imported_names(path: Path) -> Iterator[str]:
    """The dotted names that the module at `path` imports, those for type checkers included."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{name.name}" for name in node.names)


def test_what_the_driver_does_not_document_is_taken_in_one_place() -> None:
    undocumented = Path("metacore/_compat/psycopg_undocumented.py")
    assert undocumented in MODULES
    assert not [
        (str(path), name)
        for path in MODULES
        for name in imported_names(path)
        if is_within(name, "psycopg") or is_within(name, "psycopg_pool")
        if path != undocumented and name not in DOCUMENTED
    ]


@pytest.mark.parametrize(
    "statement",
    [
        "import metacore",
        "import metacore.sync",
        "import metacore.testing.plugin",
        "from metacore import connect, NewUser, NewOrder, TradingService; connect('memory://')",
        "from metacore.sync import connect, TradingService; connect('memory://')",
    ],
)
def test_a_user_without_a_database_loads_no_driver(statement: str) -> None:
    code = f"import sys; {statement}; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    loaded = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout.split()
    assert "metacore" in loaded
    assert not [module for module in loaded if any(is_within(module, driver) for driver in DRIVERS)]


def test_a_storage_in_postgresql_and_the_command_load_no_deployer() -> None:
    code = "import sys, metacore, metacore.cli.app; metacore.connect('postgresql://nowhere'); print(*sys.modules)"
    command = [sys.executable, "-c", code]
    loaded = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout.split()
    assert "psycopg" in loaded
    assert "alembic" not in loaded


def protocols() -> Iterator[tuple[str, type]]:
    for module in pkgutil.iter_modules(metacore.storage.__path__, "metacore.storage."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if inspect.isclass(value) and value.__module__ == module.name and is_contract(value):
                yield name, value


def is_contract(value: type) -> bool:
    """Whether backends are to keep what this class says."""
    return getattr(value, "_is_protocol", False) or inspect.isabstract(value)


@pytest.mark.parametrize(("name", "protocol"), list(protocols()), ids=lambda value: value if type(value) is str else "")
def test_every_public_method_of_a_protocol_has_a_docstring(name: str, protocol: type) -> None:
    methods = [value for key, value in vars(protocol).items() if inspect.isfunction(value) and not key.startswith("_")]
    assert protocol.__doc__
    assert not [method.__name__ for method in methods if not method.__doc__]


def test_every_protocol_is_in_the_list_of_storages() -> None:
    kept = {base for protocol in STORAGES.values() for base in protocol.__mro__}
    missing = [protocol for _, protocol in protocols() if protocol not in kept and getattr(protocol, "_is_protocol", 0)]
    assert [f"{protocol.__module__}: add it to metacore/storage/storages.py" for protocol in missing] == []


@pytest.mark.parametrize("backend", ["memory", "postgres"])
@pytest.mark.parametrize("world", ["metacore", "metacore.sync"])
def test_each_backend_has_the_methods_of_the_protocols_with_their_signatures(backend: str, world: str) -> None:
    from metacore.sync import connect as connect_sync

    connect = metacore.connect if world == "metacore" else connect_sync
    storage = connect({"memory": "memory://", "postgres": "postgresql://nowhere"}[backend])
    for name, protocol in importlib.import_module(f"{world}.storage.storages").STORAGES.items():
        implementation = type(getattr(storage, name))
        for method in (key for key, value in vars(protocol).items() if inspect.isfunction(value)):
            if not method.startswith("_"):
                promised, kept = (inspect.signature(getattr(owner, method)) for owner in (protocol, implementation))
                assert list(kept.parameters.values()) == list(promised.parameters.values()), method


@pytest.mark.parametrize("folder", LONGEST)
def test_files_are_short(folder: str) -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in (CHECKOUT / folder).rglob("*.py")}
    assert lengths
    assert {str(path): length for path, length in lengths.items() if length > LONGEST[folder]} == {}


def test_modules_say_what_they_are() -> None:
    assert [str(path) for path in MODULES if not ast.get_docstring(tree_of(path))] == []


def test_every_class_of_the_contract_suite_is_run() -> None:
    run = "".join(path.read_text() for path in (Path(__file__).parent / "contract").glob("test_*.py"))
    written = {kind.__bases__[0].__name__ for kind in contract.suite(event_loop=True).values()}
    left = sorted(written - set(re.findall(r"\.(\w+Contract)\):", run)))
    assert left == [], "write a class for each in a module of tests/contract"


def test_every_method_of_the_protocols_is_called_by_the_contract_suite() -> None:
    written = "".join(path.read_text() for path in (PACKAGE / "testing" / "contract").glob("*.py"))
    methods = {
        key
        for _, protocol in protocols()
        for key, value in vars(protocol).items()
        if inspect.isfunction(value) and not key.startswith("_")
    }
    assert {method for method in methods if not re.search(rf"\b{method}\b", written)} == set()


def test_a_stream_has_the_parameters_of_its_list() -> None:
    streams = 0
    for protocol in STORAGES.values():
        for _, method in inspect.getmembers(protocol, inspect.isfunction):
            if (pages := pages_of(method)) is not None:
                listed = dict(inspect.signature(getattr(protocol, pages)).parameters)
                del listed["after"], listed["limit"]
                assert dict(inspect.signature(method).parameters) == listed, method.__qualname__
                streams += 1
    assert streams
