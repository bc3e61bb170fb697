"""Texts and amounts at the edge, which every backend keeps as they are or refuses."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

HOSTILE_TEXTS = (
    "'; DROP TABLE users; --",
    "a \"quoted\" %s %(name)s :name $1 {} \\ \\\\ \\N \\. E'\\x00'",
    "tab\tnewline\r\ncarriage",
    " leading and trailing ",
    "👩‍🚀 Zażółć gęślą jaźń 你好 \u202e\u00a0\ufeff",
    "\x01\x7f\x80\uffff\U0010ffff",
    "e\u0301 is not \u00e9",
    "NULL",
    "x" * 255,
    "😀" * 255,
)
"""Keys that SQL, formats, escapes, JSON or an encoding might change."""

SPOILT_TEXTS = ("NUL \0 within", "\0", "lone \ud800 surrogate", "\udfff")
"""What no backend can store."""

EDGE_AMOUNTS = (
    Decimal("99999999999999999999999999999999999999.999999999999999999999999999999999999"),
    Decimal("0.000000000000000000000000000000000001"),
    Decimal("12345678901234567890123456789012345678.123456789012345678901234567890123456"),
    Decimal("120000000000000000000000000000.5"),
    Decimal(10**37),
    Decimal("1.5"),
)

HOSTILE_JSON: dict[str, Any] = {
    "": None,
    "integers": [0, -1, 2**63 - 1, -(2**63)],
    "numbers": [Decimal("0.1"), Decimal("1.000000000000000000000000000001"), Decimal("1.10"), Decimal("1E+5")],
    "texts": list(HOSTILE_TEXTS),
    "key 'with' \"quotes\" \\ 👍": {"nested": [[[]], {}, {"deep": [True, False, None]}]},
    "empty": "",
    "zero": 0,
}
"""An exchange's payload at its worst."""

NOBODY = UUID("00000000-0000-7000-8000-000000000000")
"""The id of no user, order or trade."""
