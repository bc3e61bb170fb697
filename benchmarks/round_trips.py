"""One round trip of several statements: `metacore.postgres.client.wire` against psycopg, with and without its pipeline.

python benchmarks/round_trips.py
"""

from __future__ import annotations

from collections.abc import Callable

import psycopg
from harness import Contest

from metacore._compat.psycopg_blocking import wait
from metacore.postgres import EmbeddedPostgres
from metacore.postgres.client.statement import Statement
from metacore.postgres.client.wire import Wire

REPEATED = 100
QUERY = "SELECT %(number)s::int"
VALUES = {"number": "1"}


def main() -> None:
    statement = Statement("benchmark", QUERY)
    with EmbeddedPostgres() as server, psycopg.connect(server.url, autocommit=True, prepare_threshold=0) as connection:
        wire = Wire(connection, prepares=True)

        def one_by_one(count: int) -> None:
            for _ in range(count):
                connection.execute(QUERY, VALUES).fetchall()

        def pipeline(count: int) -> None:
            with connection.pipeline():
                cursors = [connection.execute(QUERY, VALUES) for _ in range(count)]
            for cursor in cursors:
                cursor.fetchall()

        def exchange(count: int) -> None:
            wait(connection, wire.exchange("metacore", [(statement, VALUES)] * count))

        for count in (1, 4, 12):

            def repeated(work: Callable[[int], None], count: int = count) -> Callable[[], None]:
                return lambda: [work(count) for _ in range(REPEATED)] and None

            contestants = {"psycopg": one_by_one, "psycopg pipeline": pipeline, "metacore": exchange}
            works = {name: repeated(work) for name, work in contestants.items()}
            Contest(f"{count} statements", works, REPEATED).run()


if __name__ == "__main__":
    main()
