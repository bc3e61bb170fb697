"""The lines that an import refuses, written aside with their reason."""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from metacore.cli.output import shown
from metacore.errors import InvalidDataError


class Refusals:
    """A file of JSON Lines with `line` (its number), `reason` and `text` of each line that is refused.

    It is made when the first is, for its owner alone; InvalidDataError if it is there already.
    """

    def __init__(self, path: Path) -> None:
        self.count = 0
        self.path = path
        self._file: TextIO | None = None

    def __enter__(self) -> Self:
        if self.path.exists():
            raise InvalidDataError(
                f"{self.path} is there already: see to what it tells, and remove it", field="refused"
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, number: int, reason: str, line: str) -> None:
        """Write a line aside."""
        if self._file is None:
            self.path.touch(0o600, exist_ok=False)
            self._file = self.path.open("w", encoding="utf-8", errors="backslashreplace", newline="\n")
        refusal = {"line": number, "reason": shown(reason), "text": line}
        self._file.write(json.dumps(refusal, ensure_ascii=False) + "\n")
        self.count += 1
