"""Generate docs/reference.md, the reference of all public names, from their docstrings and annotations.

    python tools/generate_reference.py            write the page
    python tools/generate_reference.py --check    exit with 1 unless the page is what the sources make of it

Metacore must be importable. A public name, method or field that says nothing of itself is a problem, and named.
"""

import argparse
import ast
import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, get_origin

from pydantic import BaseModel

import metacore
from declarations import declaration_of, name_of, parameters
from field_texts import annotation_of, class_bodies, described_in, descriptions
from metacore import errors
from metacore._names import MODULE_OF
from metacore.exchanges import binance, mexc
from metacore.postgres import EmbeddedPostgres, SchemaDeployer
from metacore.storage.storage import Storage, Storages, Transaction
from metacore.storage.storages import STORAGES

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference.md"
COMMAND = "python tools/generate_reference.py"

INTRODUCTION = f"""\
# Reference

Every public name, as its docstring says it. Made by `{COMMAND}`: correct the docstring, then run it.
`metacore.sync` has the same names and methods, blocking: what is `async def` below is a plain method there.
"""

ROOMS = {
    "values": "Values",
    "people": "People",
    "trading": "Trading",
    "holdings": "Holdings",
    "commerce": "Commerce",
    "market": "Market",
    "messages": "Messages",
}
"""The folders of `metacore.domain`, in the order of the page."""


class Reference:
    """The page, and what is wrong with its sources."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self._public = {name: getattr(metacore, name) for name in metacore.__all__ if name != "__version__"}

    def text(self) -> str:
        sections = [
            INTRODUCTION,
            "## Opening a storage\n",
            self._function(metacore.connect),
            self._model(metacore.Settings),
            "## Storages\n",
            f"{self._doc(Storages)}\n",
            *(self._protocol(name, protocol) for name, protocol in STORAGES.items()),
            self._protocol("storage", Storage),
            self._protocol("transaction", Transaction),
            "## Services\n",
            *map(self._class, self._of("metacore.services")),
            "## The schema and the server\n",
            self._class(SchemaDeployer),
            self._class(EmbeddedPostgres),
            *self._models(),
            "## Exchanges\n\n### MEXC\n",
            *(self._function(value) for value in self._members(mexc) if inspect.isfunction(value)),
            "### Binance\n",
            *(self._function(value) for value in self._members(binance) if inspect.isfunction(value)),
            "## Errors\n",
            *map(self._class, self._members(errors)),
        ]
        return re.sub(r"\n{3,}", "\n\n", "\n".join(sections)).rstrip() + "\n"

    def _of(self, package: str) -> list[type]:
        return [value for value in self._public.values() if getattr(value, "__module__", "").startswith(package)]

    def _members(self, module: ModuleType) -> list[Any]:
        names = getattr(module, "__all__", None) or [name for name in vars(module) if name in self._public]
        return [getattr(module, name) for name in names]

    def _models(self) -> Iterator[str]:
        for room, title in ROOMS.items():
            found = self._of(f"metacore.domain.{room}.")
            if found:
                yield f"## {title}\n"
            if room == "values":
                yield from self._types()
            for value in found:
                if inspect.isfunction(value):
                    yield self._function(value)
                elif issubclass(value, StrEnum):
                    yield self._enum(value)
                elif issubclass(value, BaseModel):
                    yield self._model(value)
                else:
                    yield self._class(value)

    def _types(self) -> Iterator[str]:
        """The names that say what a field takes."""
        for name, value in self._public.items():
            if get_origin(value) is Annotated:
                described = described_in([ast.parse(inspect.getsource(importlib.import_module(MODULE_OF[name])))])
                yield f"### {name}\n\n{_inline(described.get(name, ''))}\n"
                if name not in described:
                    self.problems.append(f"{MODULE_OF[name]}.{name} says nothing of itself: write a string below it")

    def _protocol(self, name: str, protocol: type) -> str:
        methods = (self._method(method, name) for method in _methods(protocol))
        title = f"### {name}\n\n{self._doc(protocol)}\n"
        return "\n".join([title, *methods])

    def _class(self, kind: type) -> str:
        called = parameters(inspect.signature(kind))
        title = f"### {kind.__name__}\n\n```python\n{kind.__name__}{called}\n```\n\n{self._doc(kind)}\n"
        return "\n".join([title, self._fields(kind), *(self._method(method) for method in _methods(kind))])

    def _model(self, model: type[BaseModel]) -> str:
        described = descriptions(model)
        rows = ["| Field | Type | Unless given | |", "|---|---|---|---|"]
        for name, field in model.model_fields.items():
            default = "required" if field.is_required() else _default(field)
            annotation = annotation_of(model, name)
            rows.append(f"| `{name}` | `{annotation}` | {default} | {_cell(described.get(name, ''))} |")
        derived = [
            f"- `{name}`: {_inline(value.__doc__ or '')}"
            for name, value in inspect.getmembers(model, lambda value: isinstance(value, property))
            if name not in dir(BaseModel) and not name.startswith("_") and value.__doc__
        ]
        parts = [f"### {model.__name__}\n", f"{self._doc(model)}\n", *(["\n".join(rows), ""] if len(rows) > 2 else [])]
        if derived:
            parts += ["Derived:\n", "\n".join(derived), ""]
        return "\n".join(parts)

    def _enum(self, kind: type[StrEnum]) -> str:
        described = descriptions(kind)
        members = "\n".join(
            f"- `{member.value}`" + (f": {_inline(described[member.name])}" if member.name in described else "")
            for member in kind
        )
        doc = "" if inspect.getdoc(kind) in (None, inspect.getdoc(StrEnum)) else f"{self._doc(kind)}\n\n"
        return f"### {kind.__name__}\n\n{doc}{members}\n"

    def _fields(self, kind: type) -> str:
        own = described_in([class_bodies(kind.__module__)[kind.__name__]])
        rows = [f"- `{name}`: {_inline(text)}" for name, text in own.items() if not name.startswith("_")]
        return "\n".join([*rows, ""]) if rows else ""

    def _function(self, function: Any) -> str:
        declaration = declaration_of(function, inspect.signature(function))
        return f"### {function.__name__}\n\n```python\n{declaration}\n```\n\n{self._doc(function)}\n"

    def _method(self, method: Any, owner: str = "") -> str:
        name = f"{owner}.{name_of(method)}" if owner else name_of(method)
        declaration = declaration_of(method, inspect.signature(getattr(method, "fget", method)))
        return f"#### {name}\n\n```python\n{declaration}\n```\n\n{self._doc(method)}\n"

    def _doc(self, value: Any) -> str:
        text = inspect.getdoc(value)
        if not text:
            self.problems.append(f"{value.__module__}.{value.__qualname__} says nothing of itself: give it a docstring")
        return (text or "").strip()


def _methods(kind: type) -> Iterator[Any]:
    for name, value in vars(kind).items():
        if name.startswith("_"):
            continue
        if inspect.isfunction(value) or (
            isinstance(value, property) and kind.__module__.startswith("metacore.storage.")
        ):
            yield value


def _default(field: Any) -> str:
    if field.default_factory is not None:
        return "made"
    return f"`{field.default!s}`" if str(field.default) else "empty"


def _inline(text: str) -> str:
    return " ".join(text.split())


def _cell(text: str) -> str:
    return _inline(text).replace("|", "\\|")


def main() -> int:
    parser = argparse.ArgumentParser(description="Generate docs/reference.md.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail unless the page is up to date")
    check = parser.parse_args().check
    reference = Reference()
    text = reference.text()
    if not check:
        PAGE.write_text(text, encoding="utf-8")
    elif not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text:
        reference.problems.append(f"docs/reference.md differs from what its sources make: run `{COMMAND}`")
    for problem in reference.problems:
        print(problem, file=sys.stderr)
    return 1 if reference.problems else 0


if __name__ == "__main__":
    sys.exit(main())
