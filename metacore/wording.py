"""How values and foreign texts stand in messages: in one line, cut where they are long, and without what is private."""

from __future__ import annotations

import re
from typing import Any

_ADDRESS = re.compile(r"([^\s@])[^\s@]*(@[^\s@]+)")


def printable(text: str) -> str:
    """`text` with escapes for line breaks, terminal escapes, bidirectional marks and whatever else does not show."""
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)


def readable(value: Any) -> str:
    """`value` as a message names it: cut where it is long, an e-mail address by its first letter and its domain."""
    if isinstance(value, tuple):
        return "(" + ", ".join(readable(part) for part in value) + ")"
    return _ADDRESS.sub(r"\1***\2", text if len(text := str(value)) <= 100 else text[:97] + "...")
