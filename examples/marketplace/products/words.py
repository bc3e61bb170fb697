"""Words as they are looked for: alike however they were written, whatever the server's locale makes of letters."""

from __future__ import annotations

from typing import LiteralString
from unicodedata import normalize

_DICTIONARIES: tuple[LiteralString, ...] = ("simple", "russian")
"""Words as they are, and their stems: the second one stems English, too."""


def normal(text: str) -> str:
    """The text as it is compared."""
    return normalize("NFKC", text).lower()


def vector_of(name: LiteralString) -> LiteralString:
    """The words of the parameter `name`, to be stored."""
    return " || ".join(f"to_tsvector('pg_catalog.{dictionary}', %({name})s)" for dictionary in _DICTIONARIES)


def query_of(name: LiteralString) -> LiteralString:
    """What the parameter `name` looks for, as a search engine takes it."""
    return " || ".join(f"websearch_to_tsquery('pg_catalog.{dictionary}', %({name})s)" for dictionary in _DICTIONARIES)
