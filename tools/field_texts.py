"""What the sources say of the fields of a class: the strings below them, and their annotations."""

import ast
import importlib
import inspect
from collections.abc import Iterable, Iterator
from functools import cache

import metacore


@cache
def class_bodies(module: str) -> dict[str, ast.ClassDef]:
    source = inspect.getsource(importlib.import_module(module))
    return {node.name: node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef)}


def _bodies(kind: type) -> Iterator[ast.ClassDef]:
    for base in kind.__mro__:
        if base.__module__.startswith(metacore.__name__):
            yield class_bodies(base.__module__)[base.__name__]


def descriptions(kind: type) -> dict[str, str]:
    """What stands as a string below an attribute of `kind`, or of what it inherits from."""
    return described_in(_bodies(kind))


def described_in(bodies: Iterable[ast.ClassDef | ast.Module]) -> dict[str, str]:
    described: dict[str, str] = {}
    for body in bodies:
        for statement, following in zip(body.body, body.body[1:], strict=False):
            target = _target(statement)
            if target and isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
                described.setdefault(target, str(following.value.value))
    return described


def annotation_of(kind: type, field: str) -> str:
    for body in _bodies(kind):
        for statement in body.body:
            if isinstance(statement, ast.AnnAssign) and _target(statement) == field:
                return ast.unparse(_bare(statement.annotation)).replace("|", "or")
    return ""


def _bare(annotation: ast.expr) -> ast.expr:
    """`annotation` without what pydantic is told beside the type."""
    is_annotated = isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value) == "Annotated"
    if is_annotated and isinstance(annotation.slice, ast.Tuple):
        return annotation.slice.elts[0]
    return annotation


def _target(statement: ast.stmt) -> str | None:
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return statement.target.id
    if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
        return statement.targets[0].id
    return None
