"""The fixtures that users of Metacore get."""

import subprocess
import sys
from uuid import uuid4

import psycopg
import pytest

from metacore.errors import ConfigurationError
from metacore.testing.databases import require_usable

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.usefixtures("loads_the_plugin")

HEAVY = (
    "sqlalchemy",
    "alembic",
    "psycopg",
    "psycopg_pool",
    "factory",
    "faker",
    "pydantic",
    "metacore.testing.factories",
)


def test_loading_the_plugin_imports_nothing_heavy() -> None:
    code = """if True:
        import sys, pytest
        before = set(sys.modules)
        import metacore.testing.plugin
        print(*set(sys.modules) - before)"""
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert "metacore.testing.plugin" in loaded
    assert not [module for module in loaded if module.startswith(HEAVY)]


def test_the_fixtures_serve_a_test_module(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import asyncio

        from metacore import NewUser
        from metacore.sync import connect


        def test_blocking(metacore_sync_storage, metacore_clock):
            user = metacore_sync_storage.users.create(NewUser(username="alice"))
            assert user.created_at == metacore_clock.now
            assert metacore_sync_storage.users.get_by_username("alice") == user


        def test_each_test_has_a_storage_of_its_own(metacore_sync_storage):
            assert metacore_sync_storage.users.list().items == ()


        def test_async(metacore_storage):
            async def use():
                async with metacore_storage as storage:
                    user = await storage.users.create(NewUser())
                    assert await storage.users.get(user.id) == user

            asyncio.run(use())


        def test_postgres(metacore_database_url):
            with connect(metacore_database_url) as storage:
                storage.users.create(NewUser(username="alice"))
                assert len(storage.users.list().items) == 1


        def test_each_test_has_a_database_of_its_own(metacore_database_url):
            with connect(metacore_database_url) as storage:
                assert storage.users.list().items == ()
        """
    )
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=5)


def test_the_fixtures_are_documented(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("")
    listed = pytester.runpytest_inprocess("--fixtures").stdout.str()
    for name in ("metacore_clock", "metacore_storage", "metacore_sync_storage", "metacore_database_url"):
        assert name in listed


def test_a_server_that_cannot_be_used_is_an_error_of_one_sentence(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METACORE_TEST_URL", "postgresql://app:hunter2@127.0.0.1:1/db")
    pytester.makepyfile("def test_it(metacore_database_url): ...")
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    result.assert_outcomes(errors=1)
    printed = result.stdout.str()
    assert "the server that METACORE_TEST_URL names cannot be used for tests: cannot connect" in printed
    assert "Traceback" not in printed
    assert "hunter2" not in printed


def test_the_error_says_that_a_role_may_not_create_databases(metacore_database_url: str) -> None:
    role = f"metacore_test_{uuid4().hex[:8]}"
    with psycopg.connect(metacore_database_url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{role}'")
        try:
            with pytest.raises(ConfigurationError, match="may not create databases"):
                require_usable(psycopg.conninfo.make_conninfo(metacore_database_url, user=role, password=role))
        finally:
            connection.execute(f"DROP ROLE {role}")
