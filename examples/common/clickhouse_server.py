"""`python -m common.clickhouse_server PORT DIRECTORY`: a ClickHouse for development and tests, by its HTTP interface.

It is chDB, which is ClickHouse in a process, behind so much of the interface as a client needs that sends a statement
as the `query` of the URL and rows as the body: the answer, or 500 and what is wrong.
"""

from __future__ import annotations

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import parse_qs, urlsplit


class ClickHouse(ThreadingHTTPServer):
    """The server, over what lies in `directory`."""

    def __init__(self, port: int, directory: Path) -> None:
        module: Any = import_module("chdb.session")
        self._session = module.Session(str(directory))
        self._turn = Lock()
        super().__init__(("127.0.0.1", port), _Handler)

    def execute(self, statement: bytes) -> bytes:
        """What the statement gives; one at a time."""
        with self._turn:
            answer: bytes = self._session.query(statement.decode(), "TabSeparated").bytes()
            return answer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(200, b"Ok.\n")

    def do_POST(self) -> None:
        statement = "".join(parse_qs(urlsplit(self.path).query).get("query", []))
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        assert isinstance(self.server, ClickHouse)
        try:
            answer = self.server.execute(b" ".join(filter(None, (statement.encode(), body))))
        except RuntimeError as error:
            self._answer(500, str(error).encode())
        else:
            self._answer(200, answer)

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ClickHouse(int(sys.argv[1]), Path(sys.argv[2])).serve_forever()
