"""What the recipes of tests and of backends show, as their readers would run it."""

import re
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from metacore.backends.schemes import Scheme
from metacore.testing import contract

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.usefixtures("loads_the_plugin")

RECIPES = Path(__file__).parents[2] / "docs" / "recipes"


def programs(name: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", (RECIPES / name).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_the_tests_of_a_service_pass(pytester: pytest.Pytester) -> None:
    module = "\n".join(programs("tests.md"))
    pytester.makepyfile(module)
    written = module.count("def test_")
    assert written > 1
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=written)


def test_the_module_of_a_backend_has_the_suite_and_what_it_runs_on() -> None:
    (program,) = (program for program in programs("backend.md") if "contract.suite(" in program)
    fixture = '@pytest.fixture(scope="module")'
    assert fixture in program
    names: dict[str, Any] = {"contextmanager": contextmanager}
    exec(compile(program.replace(fixture, "@contextmanager"), "backend.md", "exec"), names)
    assert {name for name in names if name.startswith("Test")} == set(contract.suite(event_loop=False))
    with names["backend"]() as backend, backend.runner.opened(backend.connect()) as storage:
        assert storage.users.list().items == ()


def test_the_scheme_of_the_recipe_is_one() -> None:
    (program,) = (program for program in programs("backend.md") if "Scheme(" in program)
    names: dict[str, Any] = {}
    exec(compile(program, "backend.md", "exec"), names)
    assert isinstance(names["MINE"], Scheme)
