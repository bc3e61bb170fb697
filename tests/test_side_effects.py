"""Metacore leaves the process of its user as it is: its logs, warnings, arithmetic, locale and other libraries."""

import subprocess
import sys

STATE = """
import decimal, locale, logging, signal, sys, threading, warnings

def state():
    loggers = {name: (logger.level, logger.propagate, logger.disabled, list(logger.handlers), list(logger.filters))
               for name, logger in logging.root.manager.loggerDict.items() if isinstance(logger, logging.Logger)}
    return {
        "warnings": list(warnings.filters),
        "root logger": (logging.root.level, list(logging.root.handlers), list(logging.root.filters)),
        "disabled": logging.root.manager.disable,
        "loggers": {name: values for name, values in loggers.items() if values != (0, True, False, [], [])},
        "decimal": repr(decimal.getcontext()),
        "locale": locale.setlocale(locale.LC_ALL),
        "signals": [signal.getsignal(number) for number in signal.valid_signals()],
        "hooks": (sys.excepthook, threading.excepthook, sys.getrecursionlimit(), sys.get_int_max_str_digits()),
    }
"""

EVERYTHING = """
import importlib, pkgutil, metacore
names = [module.name for module in pkgutil.walk_packages(metacore.__path__, "metacore.")]
"""

LOAD = """
for name in names:
    if not name.startswith(("metacore.__main__", "metacore._migrations", "metacore.testing.contract")):
        importlib.import_module(name)
"""


def run(program: str) -> str:
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout + result.stderr


def test_importing_everything_leaves_the_process_as_it_was() -> None:
    third_party = (
        "import pytest, sqlalchemy, alembic.context, pydantic, pydantic_settings, psycopg, psycopg_pool, factory\n"
        "import typer, rich\n"
    )
    program = (
        STATE
        + third_party
        + EVERYTHING
        + f"before = state()\n{LOAD}\nafter = state()\nassert before == after, (before, after)"
    )
    assert run(program) == ""


def test_working_with_a_storage_leaves_the_process_as_it_was_and_logs_nothing_of_the_migrations() -> None:
    use = """
import metacore.sync
with metacore.sync.connect("memory://"): pass
import sqlalchemy, alembic.context, psycopg_pool
from metacore.postgres import EmbeddedPostgres, SchemaDeployer
logging.basicConfig(level=logging.INFO)
for url in ("memory://", "embedded:"):
    before = state()
    with metacore.sync.connect(url) as storage:
        storage.users.create(metacore.sync.NewUser())
    after = state()
    assert before == after, (url, before, after)
"""
    assert run(STATE + use) == ""


def test_the_users_tables_compile_as_they_did() -> None:
    program = """
from sqlalchemy import Column, Integer, MetaData, Table
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateColumn, CreateTable
from sqlalchemy.dialects import postgresql

called = []

@compiles(CreateColumn)
def own_hook(create, compiler, **options):
    called.append(create.element.name)
    return compiler.visit_create_column(create, **options)

table = Table("sales", MetaData(), Column("a", Integer, info={"domain": "sales"}))
before = str(CreateTable(table).compile(dialect=postgresql.dialect()))
import metacore.postgres.tables, metacore.postgres.schema
after = str(CreateTable(table).compile(dialect=postgresql.dialect()))
assert before == after, (before, after)
assert called == ["a", "a"], called
"""
    assert run(program) == ""


def test_the_logs_of_other_users_of_alembic_go_on_meanwhile() -> None:
    program = """
import logging, threading
from metacore.postgres.schema.silence import silence
told = []
logger = logging.getLogger("alembic.runtime.migration")

class Handler(logging.Handler):
    def emit(self, record):
        told.append(record.getMessage())

logger.addHandler(Handler())
logger.setLevel(logging.INFO)
with silence():
    logger.info("ours")
    logger.warning("our warning")
    other = threading.Thread(target=logger.info, args=("theirs",))
    other.start()
    other.join()
logger.info("later")
print(told)
"""
    assert run(program).strip() == "['our warning', 'theirs', 'later']"
