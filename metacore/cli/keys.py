"""The commands that look after the keys which credentials are encrypted with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, NamedTuple

import typer

from metacore.cli.output import NOT_AS_NEEDED, print_table, reported_errors, say
from metacore.cli.parameters import Schema, Url, storage_of
from metacore.cli.progress import counting, resumable
from metacore.config import Settings
from metacore.crypto.ring import KeyRing, no_keys
from metacore.domain.people.key_rotation import RotationReport
from metacore.postgres.client.commands import command
from metacore.sync.crypto.keys import Keys
from metacore.sync.services.key_rotation import KeyRotation

_MISSING = "missing"


class KeyState(NamedTuple):
    """How many users' credentials lie under a key, what it is now, and whether it is missing."""

    users: int
    state: str
    is_missing: bool


def add_commands(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command("rotate-keys", rich_help_panel="Credentials")(rotate_keys)


def rotate_keys(
    url: Url = None,
    schema: Schema = "metacore",
    batch_size: Annotated[int, typer.Option(min=1, max=1000, help="How many users are done at once.")] = 500,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Decrypt everything, and write nothing.")] = False,
) -> None:
    """Encrypt all credentials under the first of METACORE_ENCRYPTION_KEYS. Services go on meanwhile.

    Safe to break off and run again. Exit code 1 if credentials remain under another key, or could not be decrypted.
    """
    with reported_errors(), storage_of(url, schema) as storage:
        use = storage.users.key_use()
        if use.outdated is None:
            raise no_keys()
        with counting() as progress:
            task = progress.add_task("Dry run" if dry_run else "Encrypting", total=use.outdated)

            def show(report: RotationReport) -> None:
                done = report.rotated + report.unreadable
                progress.update(task, completed=done, total=max(report.outdated, done))

            with resumable():
                report = KeyRotation(storage).run(batch_size, dry_run, show)
    _print_report(report, dry_run)
    if report.unreadable or (report.remaining and not dry_run):
        raise typer.Exit(NOT_AS_NEEDED)


def key_use(url: str | None, schema: str) -> dict[str, KeyState]:
    """The keys that credentials are encrypted under: how many users, and whether the key is there."""
    settings = Settings(schema=schema)
    source = settings.encryption_keys
    ring = None if source is None else Keys(source, settings.encryption_keys_max_age).ring()
    with storage_of(url, schema) as storage:
        use = storage.users.key_use().credentials
    states = {key: _state(key, ring) for key in sorted(use)}
    return {key: KeyState(use[key], state, state == _MISSING) for key, state in states.items()}


def print_key_use(use: Mapping[str, KeyState], schema: str) -> None:
    """Show the keys in use, and what to do about those that are missing."""
    if use:
        print_table(["Key", "Users", "State"], ([key, str(one.users), one.state] for key, one in use.items()))
    if missing := [key for key, one in use.items() if one.is_missing]:
        say(
            f"Missing from METACORE_ENCRYPTION_KEYS: {', '.join(missing)}. Without them these users' credentials are"
            f" lost: put them back, and run: {command('rotate-keys', schema)}"
        )


def _state(key_id: str, ring: KeyRing | None) -> str:
    if ring is None:
        return "in use"
    if key_id not in ring:
        return _MISSING
    return "current" if key_id == ring.current.id else "to be rotated"


def _print_report(report: RotationReport, dry_run: bool) -> None:
    counts = {
        "Outdated at the start": report.outdated,
        "Could be encrypted anew" if dry_run else "Encrypted anew": report.rotated,
        "Changed by others meanwhile": report.overtaken,
        "Cannot be decrypted": report.unreadable,
        "Outdated now": report.remaining or 0,
    }
    print_table(["Users", "Number"], ([name, str(count)] for name, count in counts.items()))
    for unreadable in report.examples:
        say(unreadable.reason)
    if dry_run:
        say("Nothing was written.")
    elif report.remaining:
        say("Some remain. If services still write under an old key, give them the new one first; then run it again.")
    else:
        say("All credentials are under the current key. When no service writes under another one, the others may go.")
