"""Source text in pieces, as `generate_sync.py` translates it: code, strings and prose."""

import ast
import io
import itertools
import re
import tokenize
from collections.abc import Iterator
from enum import Flag, auto


class Kind(Flag):
    """What a piece of source text is; PROSE are comments and docstrings."""

    CODE = auto()
    STRING = auto()
    PROSE = auto()


F_STRING_FIELD = re.compile(r"((?<!\{)\{(?!\{)(?:[^{}]|\{[^{}]*\})*\})")
"""Before Python 3.12 an f-string is one token, though its fields are code."""


def imports_for_type_checkers(text: str) -> Iterator[tuple[str, str]]:
    """The names, and the modules that they are from, that a package imports under `if TYPE_CHECKING:`."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            for each in node.body:
                if isinstance(each, ast.ImportFrom) and each.module is not None:
                    yield from ((alias.asname or alias.name, each.module) for alias in each.names)


def pieces(text: str) -> Iterator[tuple[Kind, str]]:
    """`text` in order, split into its code, strings and prose."""
    lines = list(itertools.accumulate((len(line) + 1 for line in text.split("\n")), initial=0))
    done, begins_statement = 0, True
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        start, end = (lines[row - 1] + column for row, column in (token.start, token.end))
        kind = Kind.CODE
        if token.type == tokenize.COMMENT:
            kind = Kind.PROSE
        elif token.type == tokenize.STRING:
            kind = Kind.PROSE if begins_statement else Kind.STRING
        elif tokenize.tok_name[token.type] == "FSTRING_MIDDLE":
            kind = Kind.STRING
        if kind != Kind.CODE:
            yield Kind.CODE, text[done:start]
            is_f_string = "f" in re.split("['\"]", token.string)[0].lower() and token.type == tokenize.STRING
            for index, part in enumerate(F_STRING_FIELD.split(text[start:end]) if is_f_string else [text[start:end]]):
                yield Kind.CODE if index % 2 else kind, part
            done = end
        if token.type not in (tokenize.COMMENT, tokenize.NL):
            begins_statement = token.type in (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
    yield Kind.CODE, text[done:]


def without_needless_parentheses(text: str) -> str:
    """`text` with `(await x).y` as `await x.y`: without the keyword, the parentheses have no reason."""
    data = text.encode()
    lines = list(itertools.accumulate((len(line) + 1 for line in data.split(b"\n")), initial=0))
    dropped = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Await) and node.end_lineno is not None and node.end_col_offset is not None:
            start, end = lines[node.lineno - 1] + node.col_offset, lines[node.end_lineno - 1] + node.end_col_offset
            is_call = re.search(rb"[\w)\]]\Z", data[: start - 1])
            if data[start - 1 : start + 5] == b"(await" and data[end : end + 1] == b")" and not is_call:
                dropped |= {start - 1, end}
    return bytes(byte for position, byte in enumerate(data) if position not in dropped).decode()
