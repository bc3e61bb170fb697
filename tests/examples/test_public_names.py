"""What is copied from the examples rests on public names."""

import ast
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"
PUBLIC = ("metacore", "metacore.sync", "metacore.errors", "metacore.exchanges", "metacore.postgres", "metacore.testing")


def test_the_examples_take_names_from_where_they_are_public() -> None:
    taken = {
        (str(path.relative_to(EXAMPLES)), node.module)
        for path in EXAMPLES.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == "metacore"
    }
    assert taken
    assert {(path, module) for path, module in taken if module not in PUBLIC} == set()
