"""Methods, functions and classes as `generate_reference.py` declares them on the page."""

import inspect
import textwrap
from typing import Any

from pydantic import BaseModel


def name_of(method: Any) -> str:
    return str(getattr(method, "fget", method).__name__)


def declaration_of(function: Any, signature: inspect.Signature) -> str:
    if isinstance(function, property):
        return f"{name_of(function)}: {_text(signature.return_annotation)}"
    word = "async def" if inspect.iscoroutinefunction(function) else "def"
    returned = "" if signature.return_annotation in ("None", None) else f" -> {_text(signature.return_annotation)}"
    return f"{word} {function.__name__}{parameters(signature)}{returned}"


def parameters(signature: inspect.Signature) -> str:
    parts = []
    only_by_name = False
    for parameter in signature.parameters.values():
        if parameter.name in ("self", "cls"):
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and not only_by_name:
            only_by_name = True
            parts.append("*")
        text = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "") + parameter.name
        if parameter.annotation is not parameter.empty:
            text += f": {_text(parameter.annotation)}"
        if parameter.default is not parameter.empty:
            equals = " = " if parameter.annotation is not parameter.empty else "="
            text += f"{equals}{_value(parameter.default)}"
        parts.append(text)
    line = f"({', '.join(parts)})"
    if len(line) <= 90:
        return line
    return "(\n" + textwrap.indent(",\n".join(parts), "    ") + ",\n)"


def _text(annotation: Any) -> str:
    return annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))


def _value(default: Any) -> str:
    if isinstance(default, BaseModel):
        return f"{type(default).__name__}()"
    if inspect.isroutine(default):
        return default.__qualname__
    return repr(default)
