"""Lines of a file that is read, of whatever bytes: counted, and never more than one of them in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO

from metacore.errors import InvalidDataError

LONGEST = 1 << 20
"""How many bytes a line that is a row has at most."""
KEPT = 1000
"""How many characters are kept of a line that is longer."""

TOO_LONG = "the line is too long"
NOT_UTF8 = "the line is not UTF-8"

Refuse = Callable[[int, str, str], None]
"""Told of each line that is refused: its number, the reason, and the line."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_OTHER_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")


class Lines:
    """The lines of `file`, with their endings; bytes that are not UTF-8 as lone surrogates.

    Of a line that is too long the beginning comes. `number` is that of the newest line, `size` how many bytes were
    read so far. InvalidDataError if the file is of another encoding than UTF-8, as its first bytes tell.
    """

    def __init__(self, file: BinaryIO, longest: int = LONGEST) -> None:
        self.number = self.size = 0
        self.is_too_long = False
        """Whether the newest line is."""
        self._file, self._longest = file, longest

    def __iter__(self) -> Iterator[str]:
        while line := self._file.readline(self._longest + 1):
            self.number += 1
            self.size += len(line)
            if self.number == 1:
                line = _without_mark(line)
            self.is_too_long = len(line) > self._longest
            if self.is_too_long:
                line = line[:KEPT]
                self._pass_over()
            yield line.decode("utf-8", "surrogateescape")

    def _pass_over(self) -> None:
        while (part := self._file.readline(LONGEST)) and not part.endswith(b"\n"):
            self.size += len(part)
        self.size += len(part)


def _without_mark(line: bytes) -> bytes:
    if line.startswith(_OTHER_MARKS):
        raise InvalidDataError("the file is UTF-16 or UTF-32; save it as UTF-8", field="file")
    return line.removeprefix(_BYTE_ORDER_MARK)


def is_utf8(line: str) -> bool:
    """Whether `line`, as `Lines` gives it, was UTF-8."""
    if line.isascii():
        return True
    try:
        line.encode()
    except UnicodeEncodeError:
        return False
    return True


def legible(line: str) -> str:
    """`line` without its ending, bytes that were not UTF-8 written as escapes."""
    return line.rstrip("\r\n").encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
