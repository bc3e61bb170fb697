"""The commands that deploy the schema and look after it."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from metacore import postgres
from metacore.cli.keys import key_use, print_key_use
from metacore.cli.output import NOT_AS_NEEDED, consent, print_table, reported_errors, say
from metacore.cli.parameters import Json, Schema, Url
from metacore.postgres.client.commands import command
from metacore.postgres.schema.revisions import BASE, revisions
from metacore.postgres.schema.status import SchemaStatus

AppRole = Annotated[
    str | None,
    typer.Option(
        help="An existing role that gets exactly the rights that services need: no DDL, and the journals can be added"
        " to, never changed. If it can do more all the same, it is refused."
    ),
]
MayDelete = Annotated[
    bool,
    typer.Option(
        "--may-delete",
        help="The app role may delete users and orders, and with them their journals, which it cannot touch otherwise.",
    ),
]


def add_commands(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    for function in (deploy, status, check, sql, downgrade):
        app.command(rich_help_panel="Schema")(function)


Distribute = Annotated[
    bool,
    typer.Option(
        "--distribute", help="Then spread the tables over the nodes of a Citus cluster, a user's rows on one."
    ),
]


def deploy(
    url: Url = None,
    schema: Schema = "metacore",
    app_role: AppRole = None,
    may_delete: MayDelete = False,
    distribute: Distribute = False,
    create_schema: Annotated[
        bool,
        typer.Option("--create-schema", help="Make the schema, though the database has another one of Metacore's."),
    ] = False,
) -> None:
    """Bring the schema to the newest revision. Safe to run from many places at once.

    If the schema does not exist, and the database has another one of Metacore's, it asks first; where nobody can be
    asked, it is refused without --create-schema.
    """
    with reported_errors():
        others = [] if create_schema else postgres.SchemaDeployer(url, schema).siblings()
        if others:
            named = ", ".join(f'"{name}"' for name in others)
            say(f'The schema "{schema}" does not exist in this database, and Metacore was deployed into {named}.')
            consent("Make another one?", "--create-schema")
        applied = postgres.SchemaDeployer(url, schema).deploy(app_role, may_delete=may_delete)
        if applied:
            print_table(["Revision", "About"], ([revision, revisions()[revision]] for revision in applied))
            say(f'The schema "{schema}" was brought to revision {applied[-1]}.')
        else:
            say(f'The schema "{schema}" was up to date.')
        if distribute:
            tables = postgres.SchemaDeployer(url, schema).distribute()
            say(f'{len(tables)} tables of the schema "{schema}" were distributed.')
        if app_role is not None:
            say(f'The role "{app_role}" has the rights that services need.')


def status(url: Url = None, schema: Schema = "metacore", as_json: Json = False) -> None:
    """Show the revision of the schema. Exit code 1 if storages of this release cannot work with it."""
    with reported_errors():
        found = postgres.SchemaDeployer(url, schema).status()
    if as_json:
        report = {"schema": found.schema, "revision": found.revision, "head": found.head, "usable": found.is_usable}
        typer.echo(json.dumps({**report, "pending": list(found.pending)}))
        raise typer.Exit(0 if found.is_usable else NOT_AS_NEEDED)
    print_table(
        ["Revision", "About", "State"],
        (
            [revision, about, "pending" if revision in found.pending else "applied"]
            for revision, about in revisions().items()
        ),
    )
    say(_sentence(found))
    if not found.is_usable:
        raise typer.Exit(NOT_AS_NEEDED)


AllowedIndexes = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-index",
        help="The name of an index of your own, which is no difference unless it is unique. Repeatable.",
    ),
]


def check(
    url: Url = None,
    schema: Schema = "metacore",
    app_role: AppRole = None,
    may_delete: MayDelete = False,
    allow_index: AllowedIndexes = None,
    as_json: Json = False,
) -> None:
    """Compare the deployed tables, their owners and grants with what this release needs, and show the keys in use.

    With an app role, what that role can really do is compared, too. Exit code 1 if anything differs, or if
    METACORE_ENCRYPTION_KEYS is set and lacks a key that is in use.
    """
    with reported_errors():
        deployer = postgres.SchemaDeployer(url, schema)
        drifts = deployer.check(app_role, may_delete=may_delete, allowed_indexes=allow_index or ())
        keys = {} if drifts else key_use(url, schema)
    as_needed = not drifts and not any(key.is_missing for key in keys.values())
    if as_json:
        report = {"schema": schema, "drifts": [{"kind": drift.kind, **asdict(drift)} for drift in drifts]}
        typer.echo(json.dumps(report | {"keys": {key: state._asdict() for key, state in keys.items()}}))
    elif drifts:
        print_table(
            ["Difference", "Object", "Name", "Expected", "Is"],
            ([drift.kind, drift.object, drift.name, drift.expected or "", drift.actual or ""] for drift in drifts),
        )
        say(f'The schema "{schema}" has drifted: {len(drifts)} differences.')
    else:
        say(f'The schema "{schema}" is exactly what this release needs.')
        print_key_use(keys, schema)
    if not as_needed:
        raise typer.Exit(NOT_AS_NEEDED)


def sql(
    url: Url = None,
    schema: Schema = "metacore",
    start: Annotated[str, typer.Option("--from", help="The revision that the schema is at.")] = BASE,
    app_role: AppRole = None,
    may_delete: MayDelete = False,
) -> None:
    """Print the SQL that deploy would run, as one transaction, for psql. Nothing is connected to."""
    with reported_errors():
        typer.echo(postgres.SchemaDeployer(url, schema).sql(start, app_role, may_delete=may_delete), nl=False)


def downgrade(
    revision: Annotated[str, typer.Argument(help='The last revision to keep; "base" keeps none.')],
    url: Url = None,
    schema: Schema = "metacore",
    yes: Annotated[bool, typer.Option("--yes", help="Delete the rows that go with it, without asking.")] = False,
) -> None:
    """Undo the revisions after this one. The data that they hold are deleted.

    If there are any, it tells how many rows, and asks first; where nobody can be asked, it is refused without --yes.
    """
    with reported_errors():
        deployer = postgres.SchemaDeployer(url, schema)
        lost = {} if yes else deployer.losses(revision)
        if lost:
            print_table(["Table", "Rows that would be deleted"], ([name, str(count)] for name, count in lost.items()))
            consent("Delete them?", "--yes")
        undone = deployer.downgrade(revision, keep_rows=not (yes or lost))
    if undone:
        print_table(
            ["Undone", "About"], ([undone_revision, revisions()[undone_revision]] for undone_revision in undone)
        )
    say(f'The schema "{schema}" is at revision {revision}.')


def _sentence(found: SchemaStatus) -> str:
    name = f'The schema "{found.schema}"'
    if found.revision is None:
        return f"{name} is not deployed."
    if found.pending:
        return f"{name} is at revision {found.revision}, before {found.head}; run: {command('deploy', found.schema)}"
    if found.revision == found.head:
        return f"{name} is up to date, at revision {found.revision}."
    works = "compatible" if found.is_usable else "not compatible: install a newer metacore"
    return f"{name} is at revision {found.revision}, of a newer release than this ({found.head}), and {works}."
