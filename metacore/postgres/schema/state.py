"""Which revision of the schema a database has, and whether this release can work with it."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from metacore.errors import SchemaError
from metacore.postgres.client.commands import command
from metacore.postgres.schema.revisions import head_revision

VERSION_TABLE = "alembic_version"
"""Alembic's table of the current revision; its comment is the marker that storages read."""

SCHEMA_STATE = f"""
SELECT pg_catalog.obj_description(c.oid, 'pg_class'), pg_catalog.has_schema_privilege(n.oid, 'USAGE'),
    EXISTS (SELECT FROM pg_catalog.pg_extension e WHERE e.extname = 'citus')
FROM pg_catalog.pg_namespace n
LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = '{VERSION_TABLE}'
WHERE n.nspname = %(schema)s
"""  # noqa: S608
"""One row, or none where the schema is missing. It reads catalogs only, which every role may."""

_MARKER = re.compile(r"metacore revision (\d{4}), compatible from (\d{4})", re.ASCII)

_logger = logging.getLogger(__name__)


def marker(revision: str, compatible_from: str) -> str:
    """The comment of the version table at `revision`, usable by releases made for `compatible_from` and later."""
    return f"metacore revision {revision}, compatible from {compatible_from}"


@dataclass(frozen=True, slots=True)
class SchemaState:
    """What a database has: `revision` is None where nothing is deployed.

    `is_cluster` says whether it may have tables that lie on other servers.
    """

    exists: bool
    readable: bool
    revision: str | None
    compatible_from: str | None
    is_cluster: bool

    @classmethod
    def of(cls, rows: Sequence[Sequence[Any]]) -> Self:
        """The state that the rows of `SCHEMA_STATE` tell."""
        comment, readable, is_cluster = rows[0] if rows else (None, False, False)
        found = _MARKER.fullmatch(comment or "")
        revision, compatible_from = found.groups() if found else (None, None)
        return cls(
            exists=bool(rows),
            readable=bool(readable),
            revision=revision,
            compatible_from=compatible_from,
            is_cluster=bool(is_cluster),
        )

    @property
    def is_newer_and_compatible(self) -> bool:
        """Whether a later release deployed it, in a way that leaves this release at work."""
        head = head_revision()
        return self.revision is not None and self.revision > head >= (self.compatible_from or self.revision)


def check_schema_state(rows: Sequence[Sequence[Any]], schema: str) -> SchemaState:
    """The state that the rows of `SCHEMA_STATE` tell, if this release can work with it, else a SchemaError.

    A newer revision that is marked as compatible is accepted with a warning in the log.
    """
    state, head = SchemaState.of(rows), head_revision()
    if state.revision is None:
        raise SchemaError(
            f'the schema "{schema}" is not deployed in this database; run: ' + command("deploy", schema), expected=head
        )
    if not state.readable:
        raise SchemaError(
            f'the role has no right to use the schema "{schema}";'
            f" run as its owner: {command('deploy', schema, '--app-role <role>')}",
            current=state.revision,
            expected=head,
        )
    if state.revision < head:
        raise SchemaError(
            f'the schema "{schema}" is at revision {state.revision}, this release of Metacore needs {head};'
            f" run: {command('deploy', schema)}",
            current=state.revision,
            expected=head,
        )
    if state.is_newer_and_compatible:
        _logger.warning(
            'The schema "%s" is at revision %s, newer than %s, which this release of Metacore knows, and compatible.',
            schema,
            state.revision,
            head,
        )
    elif state.revision != head:
        raise too_new(schema, state)
    return state


def too_new(schema: str, state: SchemaState) -> SchemaError:
    """The error for a schema that a newer release deployed."""
    return SchemaError(
        f'the schema "{schema}" is at revision {state.revision}, and this release of Metacore knows revisions up to'
        f" {head_revision()}; install the release that deployed it, or a newer one",
        current=state.revision,
        expected=head_revision(),
    )
