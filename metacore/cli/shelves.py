"""The files of an archive: a directory with a manifest, and a directory for each user with a file for each part.

A file is JSON Lines: a head that tells whose part it is, then a row a line, `{"kind": ..., "row": ...}`. The manifest
has a line for each part that the database knows of, with its counts and the SHA-256 of its file. Files are written
beside, synced, and renamed; all of them are for their owner alone.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from metacore.domain.trading.archiving import KINDS, ArchivePart, History
from metacore.domain.trading.balances import BalanceEntry
from metacore.domain.trading.order_updates import OrderUpdate
from metacore.domain.trading.orders import Order
from metacore.domain.trading.trades import Trade
from metacore.domain.values.model import Model
from metacore.errors import InvalidDataError

_MODELS: dict[str, type[Model]] = {
    "orders": Order,
    "order_updates": OrderUpdate,
    "trades": Trade,
    "entries": BalanceEntry,
}
_FORMAT = 1
_BLOCK = 1 << 20


class Shelf:
    """An archive in `directory`, which is made if it is missing."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._manifest = directory / "manifest.jsonl"
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._parts: dict[UUID, dict[int, ArchivePart]] = {}
        self._read_manifest()

    def users(self) -> Sequence[UUID]:
        """Whose parts are in the manifest, by id."""
        return sorted(self._parts)

    def parts(self, user_id: UUID) -> Sequence[ArchivePart]:
        """The user's parts in the manifest, by number."""
        return [part for _, part in sorted(self._parts.get(user_id, {}).items())]

    def keep(self, number: int, history: History) -> str:
        """Write the user's part of this number, in place of one that never came to be, and give its SHA-256."""
        path = self.path(history.user_id, number)
        if number in self._parts.get(history.user_id, {}):
            raise InvalidDataError(f"{path} is part of another archive; name a directory of its own", field="directory")
        path.parent.mkdir(mode=0o700, exist_ok=True)
        digest, beside = hashlib.sha256(), path.with_suffix(".part")
        beside.touch(0o600)
        with beside.open("wb") as file:
            for line in _lines(number, history):
                digest.update(line)
                file.write(line)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        _sync(path.parent)
        _sync(self._directory)
        return digest.hexdigest()

    def note(self, part: ArchivePart) -> None:
        """Write into the manifest that the database has let go what is in this part's file."""
        self._manifest.touch(0o600)
        with self._manifest.open("ab") as file:
            file.write(part.model_dump_json().encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        _sync(self._directory)
        self._parts.setdefault(part.user_id, {})[part.number] = part

    def catch_up(self, parts: Sequence[ArchivePart]) -> None:
        """Note those of `parts`, which the database has, that are not in the manifest yet: a crash came between.

        InvalidDataError if the file of one is not here, or another.
        """
        for part in parts:
            if self._parts.get(part.user_id, {}).get(part.number) != part:
                if flaw := self.flaw(part):
                    raise InvalidDataError(f"{flaw}; name the directory of the user's parts before", field="directory")
                self.note(part)

    def flaw(self, part: ArchivePart) -> str | None:
        """What is wrong with the file of `part`; None if it has its SHA-256."""
        path, digest = self.path(part.user_id, part.number), hashlib.sha256()
        try:
            with path.open("rb") as file:
                while block := file.read(_BLOCK):
                    digest.update(block)
        except FileNotFoundError:
            return f"{path} is missing"
        return None if digest.hexdigest() == part.digest else f"{path} was changed: it has another SHA-256"

    def read(self, part: ArchivePart) -> History:
        """The rows of `part`; InvalidDataError if its file does not hold them."""
        path = self.path(part.user_id, part.number)
        rows: dict[str, list[Model]] = {kind: [] for kind in KINDS}
        try:
            with path.open("rb") as file:
                head = json.loads(file.readline())
                for line in file:
                    kind, row = _row(line)
                    rows[kind].append(row)
            history = History.model_validate({"user_id": UUID(head["user_id"]), **rows})
        except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
            raise InvalidDataError(f"{path} cannot be read: {type(error).__name__}", field="directory") from None
        if (history.user_id, head["number"], history.counts()) != (part.user_id, part.number, part.counts()):
            raise InvalidDataError(f"{path} has other rows than the manifest tells", field="directory")
        return history

    def path(self, user_id: UUID, number: int) -> Path:
        """Where the user's part of this number is."""
        return self._directory / str(user_id) / f"{number:06}.jsonl"

    def _read_manifest(self) -> None:
        if not self._manifest.exists():
            return
        data = self._manifest.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        if whole != data:
            # A crash cut the last line off: its part is noted again.
            os.truncate(self._manifest, len(whole))
        for number, line in enumerate(whole.splitlines(), 1):
            try:
                part = ArchivePart.model_validate_json(line)
            except ValidationError:
                raise InvalidDataError(
                    f"{self._manifest}:{number} is no part of an archive", field="directory"
                ) from None
            self._parts.setdefault(part.user_id, {})[part.number] = part


def _lines(number: int, history: History) -> Iterator[bytes]:
    head = {"format": _FORMAT, "user_id": str(history.user_id), "number": number}
    yield json.dumps(head).encode() + b"\n"
    for kind in KINDS:
        for row in getattr(history, kind):
            yield f'{{"kind":"{kind}","row":{row.model_dump_json()}}}\n'.encode()


def _row(line: bytes) -> tuple[str, Model]:
    # The kind comes first, so that the row is read by its model alone, which keeps numbers exact.
    opening, _, rest = line.partition(b',"row":')
    kind: Any = json.loads(opening + b"}")["kind"]
    return kind, _MODELS[kind].model_validate_json(rest.rstrip()[:-1])


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
