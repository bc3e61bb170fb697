"""The deployer: brings a database to the schema that this release needs, and tells how far it is from it."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager

import sqlalchemy

from metacore.config import Settings
from metacore.errors import InvalidDataError, LockTimeoutError, MetacoreError, SchemaError, bare
from metacore.postgres.client.identifiers import check_role_name, check_schema_name, quote
from metacore.postgres.client.pinning import script
from metacore.postgres.schema import caution, migrating, turn
from metacore.postgres.schema.administration import Connection, check_url, connect, set_timeouts, typed_errors
from metacore.postgres.schema.alone import alone
from metacore.postgres.schema.distribution import distribute, find_undistributed, is_distributed
from metacore.postgres.schema.drift import Drift, find_drift, without_indexes
from metacore.postgres.schema.effective import check_rights, find_grants, find_rights
from metacore.postgres.schema.ownership import find_other_owners
from metacore.postgres.schema.privileges import check_role, grants
from metacore.postgres.schema.revisions import BASE, check_revision, head_revision, revisions_between
from metacore.postgres.schema.state import SCHEMA_STATE, SchemaState, check_schema_state, too_new
from metacore.postgres.schema.status import SchemaStatus

_TURN_TIMEOUT = 60.0

_logger = logging.getLogger(__name__)


class SchemaDeployer:
    """Deploys the schema that storages need into a PostgreSQL database. Blocking: from async code, call it in a thread.

    `url` is postgresql://..., whatever else libpq takes, or embedded:/path; METACORE_URL if it is None. `settings`
    default to the METACORE_... variables, and `schema` to that of the settings. A change is one transaction: one that
    fails, or is killed, leaves nothing behind. Locks on tables are waited for `lock_timeout`, another deployer a minute
    if that is longer; then it is a LockTimeoutError.

    Other errors: ConfigurationError for a URL, name or right that is missing or cannot be used,
    StorageUnavailableError for no server or a wrong password, SchemaError for a schema that only another release can
    work on.
    """

    def __init__(self, url: str | None = None, schema: str | None = None, *, settings: Settings | None = None) -> None:
        # It is not left in a variable, which loggers may print, with its password.
        self._url, url = url, None
        self.schema = schema or ""
        self._settings = settings or Settings()
        self.schema = check_schema_name(self._settings.schema if schema is None else schema)

    def __repr__(self) -> str:
        # It may be asked for in a traceback, before there is a name.
        return f"SchemaDeployer(schema={getattr(self, 'schema', None)!r})"

    def deploy(self, app_role: str | None = None, *, may_delete: bool = False) -> Sequence[str]:
        """Bring the schema to the newest revision, and return the revisions that were applied, oldest first.

        Makes the schema if it is missing, which takes CREATE on the database; otherwise owning the schema is enough. A
        schema, or anything in it, of an owner that the role is no member of is a ConfigurationError. Any number of
        deployers may run at once: one works, the others find the work done. A newer, compatible schema stays.

        With `app_role`, that role, which exists, gets the rights that storages need, and loses others that it has on
        the schema and its tables: no DDL, no DELETE of what no storage deletes, and on the journals (balance_entries
        and order_updates) neither UPDATE nor DELETE. Only with `may_delete` it may delete users and orders: what
        belongs to them, journals too, goes with them, by the cascade of foreign keys, which runs with the rights of
        the tables' owner. If the role can do more all the same, by PUBLIC, by another role that it is a member of, by
        an attribute or as an owner, it is a ConfigurationError that names the source, and nothing is changed. On a
        newer schema, compatible or not, `app_role` is a SchemaError, and nothing is granted: only the release that
        deployed it knows which rights its tables need.
        """
        role = None if app_role is None else check_role_name(app_role)
        with self._connected("deploy") as connection:
            state = self._state(connection)
            if role is None and state.revision is not None and state.revision >= head_revision():
                self._accept(state)
                return ()
            with self._alone(connection, create=True) as alembic:
                state = self._state(connection)
                before = migrating.current_revision(alembic, self.schema)
                if before is not None and before > head_revision():
                    self._accept(state)
                    if role is not None:
                        raise self._not_granted(role, before)
                    return ()
                migrating.upgrade(alembic, self.schema, head_revision())
                if is_distributed(connection, self.schema):
                    distribute(connection, self.schema)
                if state.revision != head_revision():
                    connection.execute(migrating.last_statement(self.schema, head_revision()).encode())
                if role is not None:
                    check_role(connection, self.schema, role)
                    for statement in grants(self.schema, role, may_delete):
                        connection.execute(statement.encode())
                    check_rights(connection, self.schema, role, may_delete)
                return revisions_between(before, head_revision())

    def distribute(self) -> Sequence[str]:
        """Spread the tables over the nodes of a Citus cluster, and return those that were not distributed before.

        All rows of one user come to lie on one node, and so do the parts of an order record; a name lies by itself.
        What is stored moves along, in one transaction; `deploy` distributes the tables of later revisions by itself.
        Run it on the coordinator, as a role that may make distributed tables, as often as you like.
        SchemaError unless the schema is at the newest revision; ConfigurationError without the extension, where a table
        is distributed otherwise, or where the schema lies on one node as a whole.
        """
        with self._connected("distribute") as connection, self._alone(connection):
            check_schema_state(connection.execute(SCHEMA_STATE, {"schema": self.schema}).fetchall(), self.schema)
            return distribute(connection, self.schema)

    def status(self) -> SchemaStatus:
        """How far the schema is. Any role may ask."""
        with self._connected("status") as connection:
            state = self._state(connection)
        head = head_revision()
        return SchemaStatus(
            schema=self.schema,
            revision=state.revision,
            head=head,
            pending=revisions_between(state.revision, head),
            compatible_from=state.compatible_from,
            is_usable=state.revision == head or state.is_newer_and_compatible,
        )

    def check(
        self, app_role: str | None = None, *, may_delete: bool = False, allowed_indexes: Collection[str] = ()
    ) -> Sequence[Drift]:
        """Every difference between the deployed tables and those that this release needs; empty when there is none.

        Tables, domains, columns, constraints, indexes, triggers and rules are compared by their whole definition; one
        too many is a difference, too. So is a table that is not distributed as it should, where any is; an owner who
        is neither that of the schema nor a member of it; a grant to PUBLIC, or one by which a role can do more than
        services need. With `app_role`, so are the rights that this role has too many, however it came by them, and
        those that it lacks. It takes TEMPORARY on the database, nothing else. SchemaError if the schema is at another
        revision.

        `allowed_indexes` names indexes of a DBA's own, which are no difference; unique ones are, for they refuse rows.
        """
        role = None if app_role is None else check_role_name(app_role)
        with self._connected("check") as connection:
            set_timeouts(connection, self._settings.lock_timeout)
            rows = connection.execute(SCHEMA_STATE, {"schema": self.schema}).fetchall()
            check_schema_state(rows, self.schema)
            state = SchemaState.of(rows)
            if state.revision != head_revision():
                raise too_new(self.schema, state)
            return [
                *find_undistributed(connection, self.schema),
                *find_other_owners(connection, self.schema),
                *find_grants(connection, self.schema),
                *(find_rights(connection, self.schema, role, may_delete) if role is not None else []),
                *without_indexes(find_drift(connection, self.schema), allowed_indexes),
            ]

    def sql(self, start: str = BASE, app_role: str | None = None, *, may_delete: bool = False) -> str:
        """The script that does what `deploy` would do to a schema at revision `start`, for psql or any other client.

        One transaction; nothing is connected to, so who owns what, and what the role can do by other ways, is for
        `check` to find. InvalidDataError for a revision that there is not.
        """
        check_revision(start)
        role = None if app_role is None else check_role_name(app_role)
        statements = [
            *script(),
            "SET LOCAL statement_timeout = 0",
            f"SET LOCAL lock_timeout = {round(self._settings.lock_timeout * 1000)}",
            *([f"CREATE SCHEMA IF NOT EXISTS {quote(self.schema)}"] if start == BASE else []),
            turn.script(self.schema),
        ]
        revisions = migrating.upgrade_script(self.schema, start, head_revision())
        after = [
            migrating.last_statement(self.schema, head_revision()),
            *(grants(self.schema, role, may_delete) if role else []),
        ]
        begin = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
        return "\n\n".join([*map(_ended, [begin, *statements]), revisions, *map(_ended, after), "COMMIT;", ""])

    def losses(self, revision: str) -> Mapping[str, int]:
        """How many rows of which tables `downgrade(revision)` would delete, by table; empty if none."""
        check_revision(revision)
        with self._connected("downgrade") as connection:
            set_timeouts(connection, self._settings.lock_timeout)
            state = self._state(connection)
            if not revisions_between(None if revision == BASE else revision, state.revision or ""):
                return {}
            return caution.losses(connection, self.schema, str(state.revision), revision)

    def siblings(self) -> Sequence[str]:
        """The schemas of this database that Metacore was deployed into, if this schema does not exist; else none."""
        with self._connected("deploy") as connection:
            return [] if self._state(connection).exists else caution.siblings(connection, self.schema)

    def downgrade(self, revision: str, *, keep_rows: bool = False) -> Sequence[str]:
        """Undo the revisions after `revision` ("base": all), with their data, and return them, newest first.

        The schema itself stays. InvalidDataError for a revision that there is not, or that the schema has not reached.
        With `keep_rows`, a ConfigurationError that tells how many, and nothing is changed, if rows would be deleted.
        """
        check_revision(revision)
        with self._connected("downgrade") as connection, self._alone(connection) as alembic:
            before = migrating.current_revision(alembic, self.schema)
            if before is not None and before > head_revision():
                raise too_new(self.schema, self._state(connection))
            if revision != BASE and revision > (before or ""):
                raise InvalidDataError(f"the schema is at {before or BASE}, before that revision", field="revision")
            if before is not None and before != revision:
                if keep_rows and (lost := caution.losses(connection, self.schema, before, revision, locked=True)):
                    raise caution.refuse(lost)
                migrating.downgrade(alembic, self.schema, revision)
                connection.execute(migrating.last_statement(self.schema, revision).encode())
            return revisions_between(None if revision == BASE else revision, before or "")[::-1]

    @contextmanager
    def _connected(self, operation: str) -> Iterator[Connection]:
        with ExitStack() as stack:
            connection = self._connect(stack)
            try:
                with typed_errors(operation, self.schema):
                    yield connection
            except LockTimeoutError as error:
                holders = turn.holders(self._connect(stack), self.schema)
                if not holders:
                    raise
                raise LockTimeoutError(f"{error}. Locks on it are held by {holders}") from error.__cause__

    def _connect(self, stack: ExitStack) -> Connection:
        try:
            return stack.enter_context(connect(check_url(self._url), self._settings))
        except MetacoreError as error:
            failure = error
        raise bare(failure)

    def _alone(self, connection: Connection, create: bool = False) -> AbstractContextManager[sqlalchemy.Connection]:
        return alone(connection, self.schema, self._settings.lock_timeout, _TURN_TIMEOUT, create)

    def _state(self, connection: Connection) -> SchemaState:
        return SchemaState.of(connection.execute(SCHEMA_STATE, {"schema": self.schema}).fetchall())

    def _not_granted(self, role: str, revision: str) -> SchemaError:
        return SchemaError(
            f'the schema "{self.schema}" is at revision {revision}, of a newer release: nothing was granted to'
            f" {quote(role)}. Run deploy with the app role from that release, or leave the app role out here",
            current=revision,
            expected=head_revision(),
        )

    def _accept(self, state: SchemaState) -> None:
        if state.revision == head_revision():
            return
        if not state.is_newer_and_compatible:
            raise too_new(self.schema, state)
        _logger.warning(
            'The schema "%s" is at %s, of a newer release; nothing was changed.', self.schema, state.revision
        )


def _ended(statement: str) -> str:
    return statement + ";"
