"""Statements over libpq: one write to the socket and one wait, however many there are.

psycopg's own pipeline writes to the socket, and looks for an answer, at each statement, which wakes the server and the
client in turns. Here all statements of a round trip leave together. `benchmarks/round_trips.py` measures both.
"""

from __future__ import annotations

import select
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from psycopg import Error, OperationalError, pq
from psycopg.errors import Diagnostic

from metacore._compat.psycopg_undocumented import BaseConnection, PGresult, RowLoader, error_from_result
from metacore.postgres.client.call import Call, Encoded, Row, Values, encoded, note_taken
from metacore.postgres.client.round_trip import Command, RoundTrip, UnsentError, log
from metacore.postgres.client.statement import Statement
from metacore.postgres.client.waits import Waiting, arrival, flush, next_result

_LARGE = 1 << 14
"""From this number of bytes on, what was made while the server works is sent at once."""

_LONG = 1 << 12
"""From this number of bytes of parameters on, what a statement makes is made while the server works on the next."""

_LAST_WORDS = {"FATAL", "PANIC"}
"""How severe an error is after which the server closes the connection."""


class Wire:
    """What a connection keeps between round trips: which statements are prepared, and psycopg's loaders of values.

    An error tells by its SQLSTATE what became of the round trip: the server named one, and nothing of it is committed;
    it has none, and a commit that was part of it may have happened.
    """

    def __init__(
        self, connection: BaseConnection[Any], prepares: bool, made_at: float, *, listens: bool = True
    ) -> None:
        self.made_at = made_at
        self.pgconn = connection.pgconn
        self._loader = RowLoader()
        self._prepares = prepares
        self._prepared: set[Statement] = set()
        self._last_words: str | None = None
        self._poll = select.poll()
        self._poll.register(self.pgconn.socket, select.POLLIN)
        if listens:
            connection.add_notice_handler(self._note)

    def is_lost(self) -> bool:
        """Whether the server, or what is on the way to it, has closed the connection, which is idle: as far as this
        side of it knows, and without a round trip.
        """
        if self.pgconn.status != pq.ConnStatus.OK:
            return True
        if not self._poll.poll(0):
            return False
        try:
            self.pgconn.consume_input()
            self.pgconn.is_busy()
        except OperationalError:
            return True
        return self._last_words is not None

    def _note(self, notice: Diagnostic) -> None:
        if notice.severity_nonlocalized in _LAST_WORDS:
            self._last_words = notice.sqlstate

    def exchange(
        self,
        schema: str,
        calls: Iterable[Call],
        openings: Sequence[bytes] = (),
        closing: bytes | None = None,
        is_there: bool = False,
    ) -> Waiting[list[list[Row]]]:
        """The rows of each of `calls`, between the commands `openings` and `closing`.

        Outside of a transaction the server runs them as one. The first error is raised when all answers are in; the
        server has skipped what came after it. UnsentError, and nothing is sent, if the connection is lost already; who
        has looked a moment ago says that it `is_there`.

        Calls that are no sequence, inside a transaction only, are made while the server works on those before them. An
        error of making them is raised when all answers are in, and nothing is closed: what was sent is to be undone.
        """
        if not is_there:
            self.require_connection()
        if type(calls) is list and len(calls) == 1 and calls[0][0] in self._prepared and not openings and not closing:
            return self._alone(self._known(schema, *calls[0]), calls[0][0], closes=False)
        trip = RoundTrip(openings, closing)
        commands: Iterable[Command] = self._commands(schema, calls, trip)
        if isinstance(calls, Sequence):
            commands = made = list(commands)
            if len(made) == 1:
                return self._alone(made[0], trip.sent.get(0), closing is not None)
        return self._together(commands, trip)

    def _known(self, schema: str, statement: Statement, values: Values) -> Command:
        """What sends a statement that is prepared: most operations are one."""
        text, names = statement.positional(schema)
        log(text, statement.name)
        values = values() if callable(values) else values
        return partial(self.pgconn.send_query_prepared, statement.key, encoded(values, names))

    def _commands(self, schema: str, calls: Iterable[Call], trip: RoundTrip) -> Iterator[Command]:
        """What is to be sent, in its order; `trip` takes note of it."""
        for opening in trip.openings:
            yield trip.noted(partial(self.pgconn.send_query_params, opening, None), opening)
        for statement, values in calls:
            text, names = statement.positional(schema)
            if self._prepares and statement not in self._prepared and statement not in trip.fresh.values():
                trip.fresh[trip.length] = statement
                yield trip.noted(partial(self.pgconn.send_prepare, statement.key, text))
            parameters = None if callable(values) else encoded(values, names)
            trip.sent[trip.length] = statement
            yield trip.noted(partial(self._send, statement, text, names, values, parameters), text, statement.name)
        if trip.closing is not None:
            if not isinstance(calls, Sequence):
                self._require_connection_still()
            yield trip.noted(partial(self.pgconn.send_query_params, trip.closing, None), trip.closing)

    def require_connection(self) -> None:
        """UnsentError if the connection is lost."""
        if self.is_lost():
            self.pgconn.finish()
            error = UnsentError("the connection was lost before anything was sent")
            error.sqlstate = self._last_words
            raise error

    def _require_connection_still(self) -> None:
        """UnsentError if the connection was lost while calls were made, before what closes them is sent."""
        try:
            while self._poll.poll(0):
                self.pgconn.consume_input()
        except OperationalError as error:
            raise UnsentError("the connection was lost before all was sent") from error

    def _send(
        self, statement: Statement, text: bytes, names: Sequence[str], values: Values, parameters: Encoded | None
    ) -> int:
        """Send a statement; how many bytes of parameters were made for it now."""
        made = 0
        if callable(values):
            parameters = encoded(values(), names)
            made = sum(map(len, filter(None, parameters)))
        if self._prepares:
            self.pgconn.send_query_prepared(statement.key, parameters)
        else:
            self.pgconn.send_query_params(text, parameters)
        if self.pgconn.pipeline_status and statement.makes and sum(map(len, filter(None, parameters or ()))) > _LONG:
            self.pgconn.send_flush_request()
        return made

    def _alone(self, command: Command, statement: Statement | None, closes: bool) -> Waiting[list[list[Row]]]:
        pgconn = self.pgconn
        command()
        if pgconn.flush():
            yield from flush(pgconn)
        ends: list[PGresult | None] = []
        while True:
            if pgconn.is_busy():
                yield from arrival(pgconn)
            if (end := pgconn.get_result()) is None and ends:
                break
            ends.append(end)
        rows = self._made(statement, ends[0]) or self.rows(ends[0], commits=closes)
        for end in ends[1:]:
            self.rows(end, commits=True)
        return [rows]

    def _together(self, commands: Iterable[Command], trip: RoundTrip) -> Waiting[list[list[Row]]]:
        pgconn = self.pgconn
        pgconn.enter_pipeline_mode()
        try:
            for command in trip.until_it_fails(commands):
                if (command() or 0) > _LARGE:
                    # All of it shall be with the server while the next parameters are made.
                    yield from flush(pgconn)
        except BaseException:
            # Part of it may be with the server already: nobody shall commit that.
            pgconn.finish()
            raise
        pgconn.pipeline_sync()
        yield from flush(pgconn)
        results: list[PGresult | None] = []
        made: dict[int, list[Any]] = {}
        for position in range(trip.length):
            # As a rule the answers come together, and there is nothing to wait for.
            if pgconn.is_busy():
                yield from arrival(pgconn)
            results.append(result := pgconn.get_result())
            made[position] = self._made(trip.sent.get(position), result)
            if pgconn.is_busy():
                yield from arrival(pgconn)
            pgconn.get_result()
        ends = yield from self._synced()
        answers = []
        last = len(results) - 1 if trip.closes else None
        for position, result in enumerate(results):
            try:
                rows = made.get(position) or self.rows(result, commits=position == last)
            except Error as error:
                if position in trip.sent:
                    note_taken(error, trip.sent[position])
                raise
            if position in trip.fresh:
                self._prepared.add(trip.fresh[position])
            elif position in trip.sent:
                answers.append(rows)
        for end in ends:
            self.rows(end, commits=True)
        if trip.failure is not None:
            raise trip.failure
        return answers

    def _synced(self) -> Waiting[list[PGresult | None]]:
        """What went wrong between the last statement and the end of the round trip, where the server commits."""
        ends: list[PGresult | None] = []
        while self.pgconn.status == pq.ConnStatus.OK:
            result = yield from next_result(self.pgconn)
            if result is not None and result.status == pq.ExecStatus.PIPELINE_SYNC:
                self.pgconn.exit_pipeline_mode()
                return ends
            ends.append(result)
            if result is None:
                break
            yield from next_result(self.pgconn)
        return [*ends, None]

    def _made(self, statement: Statement | None, result: PGresult | None) -> list[Any]:
        """What `statement` makes of the rows of `result`; none, if it makes nothing, or there are none."""
        if statement is not None and result:
            if statement.makes is not None and result.status == pq.ExecStatus.TUPLES_OK:
                return [*statement.makes(self._loader.rows(result))]
            if statement.counts and result.status == pq.ExecStatus.COMMAND_OK and result.command_tuples:
                return [()]
        return []

    def rows(self, result: PGresult | None, *, commits: bool) -> list[Row]:
        """The rows of `result`; `commits` says that the server may have committed before an error of it."""
        if result is None:
            raise OperationalError("the connection is lost")
        status = result.status
        if status == pq.ExecStatus.TUPLES_OK:
            return self._loader.rows(result)
        if status != pq.ExecStatus.COMMAND_OK:
            error = error_from_result(result)
            is_last = error.diag.severity_nonlocalized in _LAST_WORDS
            if is_last:
                self.pgconn.finish()
            # Without SQLSTATE it is not the server that speaks, but libpq of a lost connection; by class 08, a pooler
            # between them, which does not know either.
            if not error.sqlstate or error.sqlstate.startswith("08") or (is_last and commits):
                raise OperationalError(str(error))
            raise error
        return []
