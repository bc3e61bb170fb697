"""What is said of values: escaped, masked, and never in the driver's words."""

from __future__ import annotations

import io
import traceback
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from pytest_mock import MockerFixture
from rich.console import Console
from typer.testing import CliRunner

from metacore import (
    AlreadyExistsError,
    ConflictError,
    Credentials,
    InvalidDataError,
    MetacoreError,
    NewUser,
    NotFoundError,
    Settings,
)
from metacore.cli import output
from metacore.cli.app import app
from metacore.postgres import SchemaDeployer
from metacore.testing.factories import NewOrderFactory

ADDRESS = "canary.address@example.com"
HOSTILE = "a\nERROR forged\r\x1b[2J\u202egnp\u2066\u2028\x85\x00\ufeff\u200b\x07\ud800b"


@pytest.mark.parametrize(
    "error",
    [
        NotFoundError("user", HOSTILE),
        AlreadyExistsError("user", "username", HOSTILE),
        ConflictError(f"orders: {HOSTILE}"),
        InvalidDataError("wrong", field=f"items.0.{HOSTILE}"),
        MetacoreError(HOSTILE),
    ],
)
def test_values_in_messages_are_escaped(error: MetacoreError) -> None:
    for text in (str(error), error.message, "".join(traceback.format_exception_only(error)).strip()):
        assert text.isprintable()
        assert "\\nERROR forged\\r\\x1b[2J\\u202egnp\\u2066\\u2028\\x85\\x00\\ufeff\\u200b\\x07\\ud800b" in text


def test_fields_hold_values_as_they_are() -> None:
    assert NotFoundError("user", HOSTILE).key == HOSTILE


def test_an_address_is_shown_by_its_first_letter_and_domain() -> None:
    error = AlreadyExistsError("user", "email", ADDRESS)
    assert ADDRESS not in str(error)
    assert "c***@example.com" in str(error)
    assert error.value == ADDRESS


def refused(call: Callable[[], object]) -> str:
    """The traceback of what `call` raises, with its whole chain."""
    with pytest.raises(MetacoreError) as caught:
        call()
    stream, todo, seen = io.StringIO(), [caught.value], []
    while todo:
        if (one := todo.pop()) is not None and one not in seen:
            seen.append(one)
            traceback.print_exception(one, file=stream)
            todo += [one.__cause__, one.__context__]
            if isinstance(one, psycopg.Error):
                detail = one.diag
                print(detail.message_detail, detail.context, detail.internal_query, one.__reduce__(), file=stream)
    return stream.getvalue()


def test_no_traceback_repeats_what_the_driver_says_of_a_row(
    runner: Any, connect: Any, server: Any, canary: Any, admin: psycopg.Connection
) -> None:
    settings = Settings(encryption_keys=canary.keys)
    with runner.opened(connect(canary.url(server), settings=settings)) as storage:
        admin.execute("DELETE FROM metacore.users")
        admin.execute("DELETE FROM metacore.user_names")
        one = storage.users.create(NewUser(email=ADDRESS))
        two = storage.users.create(NewUser())
        keys = Credentials(api_key="canary-key", api_secret="s")
        storage.users.set_credentials(one.id, keys)
        hashes = [row[0].hex() for row in admin.execute("SELECT api_key_hash FROM metacore.user_api_keys")]
        assert hashes
        shown = [
            refused(lambda: storage.users.create(NewUser(email=ADDRESS))),
            refused(lambda: storage.users.set_credentials(two.id, keys)),
        ]
        admin.execute("ALTER TABLE metacore.users ADD CONSTRAINT late CHECK (email NOT LIKE 'canary%') NOT VALID")
        try:
            shown.append(refused(lambda: storage.users.create(NewUser(email=f"{ADDRESS}.au"))))
        finally:
            admin.execute("ALTER TABLE metacore.users DROP CONSTRAINT late")
        twins = [NewOrderFactory.build(user_id=one.id, client_order_id=ADDRESS, quantity=n) for n in (1, 2)]
        shown.append(refused(lambda: storage.orders.create_many(twins)))
        for text in shown:
            assert ADDRESS not in text
            assert not [hashed for hashed in hashes if hashed in text]
        storage.users.set_credentials(one.id, None)


def test_no_failed_deployment_repeats_a_row(server: Any, admin: psycopg.Connection, mocker: Any) -> None:
    admin.execute("CREATE TABLE public.addresses (email text)")
    try:
        admin.execute("INSERT INTO public.addresses VALUES (%s), (%s)", [ADDRESS, ADDRESS])
        mocker.patch(
            "metacore.postgres.schema.migrating.last_statement",
            return_value="CREATE UNIQUE INDEX ON public.addresses (email)",
        )
        assert ADDRESS not in refused(lambda: SchemaDeployer(server.url, "another").deploy())
    finally:
        admin.execute("DROP TABLE public.addresses")


SECRET = "hunter2-canary"


@pytest.mark.parametrize(
    "arguments",
    [
        ["deploy", f"postgresql://app:{SECRET}@host/x"],
        ["deploy", f"host=h password={SECRET}"],
        ["deploy", f"postgresql://app@host/x?password={SECRET}"],
        ["deploy", f"2026-01:{SECRET}"],
        [f"postgresql://app:{SECRET}/x@host/x"],
        [SECRET],
        [f"--{SECRET}"],
        [f"--url=postgresql://a:{SECRET}@b/c", "status"],
        ["deploy", f"--{SECRET}"],
        ["deploy", f"--password={SECRET}"],
        ["deploy", f"-{SECRET}"],
        ["rotate-keys", "--batch-size", SECRET],
        ["rotate-keys", "--dry-run=" + SECRET],
        ["downgrade", SECRET, SECRET],
        ["downgrade", SECRET, "--url", "postgresql://localhost:1/x"],
        ["deploy", "--schema", f"postgresql://app:{SECRET}@host/x", "--url", "postgresql://localhost:1/x"],
        ["sql", "--app-role", f"host=h password={SECRET}", "--from", SECRET],
        ["status", "--url", f"host=localhost port=1 password='{SECRET}"],
    ],
)
def test_the_command_line_never_repeats_an_argument_that_may_hold_a_password(arguments: list[str]) -> None:
    result = CliRunner().invoke(app, arguments, env={"METACORE_URL": None, "COLUMNS": "500"})
    assert result.exit_code not in (0, 1), result.output
    assert SECRET not in result.output
    assert "Traceback" not in result.output


def test_a_terminal_is_not_steered_by_what_is_in_the_database(
    admin: psycopg.Connection, server: Any, mocker: MockerFixture
) -> None:
    mocker.patch.object(output, "_console", Console(highlight=False, width=300))
    admin.execute('CREATE TABLE metacore."\x1b[2J\u202eevil" (id int)'.encode())
    try:
        printed = CliRunner().invoke(app, ["check", "--url", server.url]).output
        assert "\\x1b[2J\\u202eevil" in printed
        assert not set(printed) & {"\x1b", "\u202e"}
    finally:
        admin.execute('DROP TABLE metacore."\x1b[2J\u202eevil"'.encode())
