"""Statements: SQL text, built once, and once for each schema brought to what is sent."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from typing import Any

from metacore.postgres.client.identifiers import quote

_LOCKING = re.compile(r"\bFOR (?:UPDATE|NO KEY UPDATE|SHARE|KEY SHARE)\b")
_PLACEHOLDER = re.compile(r"%\((\w+)\)s|%%")
_numbers = itertools.count()


class Statement:
    """One SQL statement of the operation `name`, such as "orders.get".

    In its text `{schema}` stands for the quoted schema. Parameters are named as in psycopg, `%(user_id)s`, and go as
    text that the statement casts: so each statement is prepared once, whatever is None; `key` is the name it is
    prepared by. `locks` says whether it leaves rows locked. `taken` names the entity and field that are taken where a
    unique key refuses the row: of a key that has values of several fields, only the statement tells. `makes` gives
    what its rows are made into: where much is asked for, while the server works on the statements after it. One that
    `counts` gives a row without columns, if it has changed any.
    """

    __slots__ = ("_positional", "_source", "_texts", "counts", "key", "locks", "makes", "name", "taken", "writes")

    def __init__(
        self,
        name: str,
        source: str,
        *,
        writes: bool = False,
        taken: tuple[str, str] | None = None,
        makes: Callable[[Sequence[Any]], Sequence[Any]] | None = None,
        counts: bool = False,
    ) -> None:
        self.name = name
        self.counts = counts
        self.makes = makes
        self.writes = writes
        self.taken = taken
        self.locks = writes or _LOCKING.search(source) is not None
        self._source = source
        self._texts: dict[str, bytes] = {}
        self._positional: dict[str, tuple[bytes, tuple[str, ...]]] = {}
        self.key = b"metacore_%d" % next(_numbers)

    def text(self, schema: str) -> bytes:
        """The statement for the tables of `schema`."""
        text = self._texts.get(schema)
        if text is None:
            text = self._texts[schema] = self._source.replace("{schema}", quote(schema).replace("%", "%%")).encode()
        return text

    def positional(self, schema: str) -> tuple[bytes, tuple[str, ...]]:
        """The statement as the server reads it, with $1, $2..., and the names of these parameters in their order."""
        found = self._positional.get(schema)
        if found is None:
            names: dict[str, int] = {}

            def number(match: re.Match[str]) -> str:
                name = match.group(1)
                return "%" if name is None else f"${names.setdefault(name, len(names) + 1)}"

            text = _PLACEHOLDER.sub(number, self.text(schema).decode())
            found = self._positional[schema] = text.encode(), tuple(names)
        return found
