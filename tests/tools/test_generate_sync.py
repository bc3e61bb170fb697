"""The generator of metacore/sync, on small source trees of its own."""

import importlib.util
import shutil
import sys
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from typing import Any

import pytest
from pytest_mock import MockerFixture

ROOT = Path(__file__).resolve().parents[2]


def load_generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_sync", ROOT / "tools" / "generate_sync.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


generator = load_generator()
Mirror = generator.Mirror

INIT = '''
"""Numbers, kept. `from metacore.store.numbers import Numbers`, then `await numbers.get(1)`."""

EXPORTS = {"Numbers": "metacore.store.numbers", "Range": "metacore.domain.range"}
'''
NUMBERS = '''
"""The numbers."""

from collections.abc import AsyncIterator

from metacore.domain.range import Range


class Numbers:
    """Keeps numbers.

    async with Numbers() as numbers:
        one = await numbers.get(1)
    """

    async def get(self, number: int) -> int:
        return number

    async def all(self, range: Range) -> AsyncIterator[int]:
        # Each by a call of `await self.get(number)`.
        for number in range:
            yield await self.get(number)
'''
MIRRORED_NUMBERS = '''\
# Made from metacore/store/numbers.py by `python tools/generate_sync.py`. Do not edit.
"""The numbers."""

from collections.abc import Iterator

from metacore.domain.range import Range


class Numbers:
    """Keeps numbers.

    with Numbers() as numbers:
        one = numbers.get(1)
    """

    def get(self, number: int) -> int:
        return number

    def all(self, range: Range) -> Iterator[int]:
        # Each by a call of `self.get(number)`.
        for number in range:
            yield self.get(number)
'''


class Tree:
    """A source tree in a temporary directory, with a mirror that is up to date."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.names = {"AsyncIterator": "Iterator"}
        self.sources = ["metacore/__init__.py", "metacore/store"]

    def fill(self) -> None:
        self.write("pyproject.toml", '[tool.ruff]\nline-length = 120\nlint.select = ["I", "RUF100", "ASYNC"]')
        self.write("metacore/__init__.py", INIT)
        self.write("metacore/store/__init__.py", "")
        self.write("metacore/store/numbers.py", NUMBERS)
        self.write("metacore/domain/range.py", "Range = range")
        assert self.mirror().write() == []

    def mirror(self) -> Any:
        return Mirror(self.root, sources=self.sources, names=self.names, modules={})

    def check(self) -> list[str]:
        return self.mirror().check()

    def read(self, path: str) -> str:
        return (self.root / path).read_text()

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text.strip("\n") + "\n" if text else "")

    def replace(self, path: str, old: str, new: str) -> None:
        assert old in self.read(path)
        (self.root / path).write_text(self.read(path).replace(old, new))

    def translated(self, code: str) -> str:
        """What the mirror makes of `code`, without the header; the code must compile."""
        self.write("metacore/store/more.py", dedent(code))
        assert self.mirror().write() == []
        text = self.read("metacore/sync/store/more.py")
        compile(text, "more.py", "exec")
        return text.partition("\n")[2]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("original")
    Tree(root).fill()
    return root


@pytest.fixture
def tree(tmp_path: Path, original: Path) -> Tree:
    shutil.copytree(original, tmp_path, dirs_exist_ok=True)
    return Tree(tmp_path)


class TestWrite:
    def test_a_source_becomes_its_blocking_mirror(self, tree: Tree) -> None:
        assert tree.read("metacore/sync/store/numbers.py") == MIRRORED_NUMBERS

    def test_paths_in_strings_and_docstrings_lead_to_what_is_mirrored_only(self, tree: Tree) -> None:
        text = tree.read("metacore/sync/__init__.py")
        assert "`from metacore.sync.store.numbers import Numbers`, then `numbers.get(1)`" in text
        assert '{"Numbers": "metacore.sync.store.numbers", "Range": "metacore.domain.range"}' in text

    def test_a_package_that_only_holds_a_mirrored_one_gets_a_marker(self, tree: Tree) -> None:
        tree.write("metacore/engine/__init__.py", "import engine_driver")
        tree.write("metacore/engine/store/numbers.py", "from metacore.engine.store import base")
        tree.sources.append("metacore/engine/store")
        assert tree.mirror().write() == []
        assert "engine_driver" not in tree.read("metacore/sync/engine/__init__.py")
        assert (tree.root / "metacore/sync/engine/store/__init__.py").is_file()

    def test_writing_again_changes_nothing_and_removes_what_lost_its_source(self, tree: Tree) -> None:
        tree.write("metacore/store/more.py", "MORE = 1")
        tree.mirror().write()
        before = tree.read("metacore/sync/store/numbers.py")
        (tree.root / "metacore/store/more.py").unlink()
        assert tree.mirror().write() == []
        assert not (tree.root / "metacore/sync/store/more.py").exists()
        assert tree.read("metacore/sync/store/numbers.py") == before


class TestTranslation:
    def test_nested_asynchronous_comprehensions(self, tree: Tree) -> None:
        code = """
            async def pairs(rows):
                return [[await f(x) async for x in row if await g(x)] async for row in rows], {k async for k in rows}
            """
        assert tree.translated(code) == dedent(
            """\
            def pairs(rows):
                return [[f(x) for x in row if g(x)] for row in rows], {k for k in rows}
            """
        )

    def test_async_for_with_else_and_nested_async_with(self, tree: Tree) -> None:
        code = """
            async def first(rows):
                async with rows as opened, opened.lock:
                    async for row in opened:
                        if await row.good():
                            break
                    else:
                        row = None
                return row
            """
        assert tree.translated(code) == dedent(code).replace("async ", "").replace("await ", "").lstrip()

    def test_f_strings_that_hold_awaits(self, tree: Tree) -> None:
        code = """
            async def label(x):
                return f"{await x.name()!r:>{await x.width()}}|{(await x.get()).real + 1:03}{{x}}"
            """
        scope: dict[str, Any] = {}
        exec(tree.translated(code), scope)

        class X:
            def name(self) -> str:
                return "n"

            def width(self) -> int:
                return 5

            def get(self) -> int:
                return 6

        assert scope["label"](X()) == "  'n'|007{x}"

    def test_decorators_stay(self, tree: Tree) -> None:
        code = """
            class Store:
                @staticmethod
                @counted("get")
                async def get(x):
                    return await x
            """
        assert tree.translated(code) == dedent(code).replace("async ", "").replace("await ", "").lstrip()

    def test_awaits_in_parentheses_over_several_lines(self, tree: Tree) -> None:
        code = """
            async def load(connection):
                rows = (
                    await connection.execute_with_a_rather_long_name(
                        "select a_column, another_column, a_third_column from a_table where a_column = %s", [1]
                    )
                ).fetchall_of_them()
                return await (
                    rows.one_that_is_long_enough_to_break_the_line_before_it_is_shortened_by_a_word().and_more_of_it()
                )
            """
        text = tree.translated(code)
        assert "await" not in text
        assert "    return rows.one_that" in text

    def test_parentheses_around_an_await_go_where_they_have_no_reason(self, tree: Tree) -> None:
        code = """
            async def load(x, ü):
                (await x.a()).b, ("ü", (await ü[0]).c), not (await x.d())
                f(await x), f((await x)), (await x or await ü), (await x,), g[await x]
                return -(await x.get(1)) ** 2
            """
        assert tree.translated(code) == dedent(
            """\
            def load(x, ü):
                x.a().b, ("ü", ü[0].c), not x.d()
                f(x), f(x), (x or ü), (x,), g[x]
                return -(x.get(1) ** 2)
            """
        )

    def test_lines_that_became_short_are_joined(self, tree: Tree) -> None:
        name = "n" * 100
        code = f"""
            async def load({name}):
                return await load(
                    {name}
                )
            """
        assert tree.translated(code) == f"def load({name}):\n    return load({name})\n"

    def test_imports_are_sorted_again_and_suppressions_without_a_reason_go(self, tree: Tree) -> None:
        code = """
            from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence


            async def load(timeout: float) -> AsyncIterator[int]:  # noqa: ASYNC109
                yield await X
            """
        tree.names["Awaitable"] = "Callable"
        assert tree.translated(code) == dedent(
            """\
            from collections.abc import Callable, Iterator, Sequence


            def load(timeout: float) -> Iterator[int]:
                yield X
            """
        )

    def test_longer_identifiers_and_other_strings_stay(self, tree: Tree) -> None:
        code = """
            from metacore.storefront import MyIterator_, xmetacore

            SENTENCE = "metacore.storefront, metacore.domain"
            xmetacore.store = MyIterator_
            """
        assert tree.translated(code) == dedent(code).lstrip()


class TestCheck:
    def test_an_up_to_date_mirror_passes(self, tree: Tree) -> None:
        assert tree.check() == []

    def test_caches_of_the_interpreter_are_no_files_of_the_mirror(self, tree: Tree) -> None:
        tree.write("metacore/sync/__pycache__/numbers.pyc", "bytes")
        assert tree.check() == []

    def test_a_changed_line_fails(self, tree: Tree) -> None:
        tree.replace("metacore/sync/store/numbers.py", "return number", "return number + 1")
        (problem,) = tree.check()
        assert problem.startswith("metacore/sync/store/numbers.py:17: differs")
        assert problem.endswith("run `python tools/generate_sync.py`")

    def test_a_changed_source_fails(self, tree: Tree) -> None:
        tree.replace("metacore/store/numbers.py", "return number", "return number + 1")
        (problem,) = tree.check()
        assert problem.startswith("metacore/sync/store/numbers.py:17: differs")

    @pytest.mark.parametrize("kept", [0, 100, -1])
    def test_a_truncated_file_fails(self, tree: Tree, kept: int) -> None:
        path = tree.root / "metacore/sync/store/numbers.py"
        path.write_text(path.read_text()[:kept])
        (problem,) = tree.check()
        assert problem.startswith("metacore/sync/store/numbers.py:")

    def test_a_missing_file_fails(self, tree: Tree) -> None:
        (tree.root / "metacore/sync/store/numbers.py").unlink()
        assert tree.check() == ["metacore/sync/store/numbers.py is missing: run `python tools/generate_sync.py`"]

    @pytest.mark.parametrize("path", ["metacore/sync/store/extra.py", "metacore/sync/notes.txt"])
    def test_a_file_too_many_fails(self, tree: Tree, path: str) -> None:
        tree.write(path, "# mine")
        (problem,) = tree.check()
        assert problem.startswith(f"{path} is made from no source")

    def test_a_rule_that_matches_nothing_fails(self, tree: Tree) -> None:
        tree.names["aclosing"] = "closing"
        assert tree.check() == ["rule 'aclosing' matches nothing: remove it from tools/generate_sync.py"]

    def test_a_source_that_is_not_there_fails(self, tree: Tree) -> None:
        tree.sources.append("metacore/nowhere")
        assert "metacore/nowhere is not there: correct SOURCES in tools/generate_sync.py" in tree.check()

    def test_what_a_blocking_file_never_says_fails(self, tree: Tree) -> None:
        lines = {
            '"""Trades that await settlement."""': "await",
            '"""The result must be awaited."""': "awaited",
            "X = 1  # await this one": "await",
            'X = "use await"': "await",
            'X = f"use await {id(1)} {{await}}"': "await",
            '"""An asynchronous thing."""': "async",
            "import asyncio": "async",
            "X = AsyncThing": "Async",
            "X.__anext__()": "__anext__",
        }
        for number, line in enumerate(lines):
            tree.write(f"metacore/store/more{number}.py", line)
        problems = tree.mirror().write()
        assert problems == [
            f"metacore/sync/store/more{number}.py:2: {word!r} is left: reword its source, or add a rule"
            for number, word in enumerate(lines.values())
        ]
        assert tree.check() == problems

    def test_an_import_that_no_rule_can_follow_fails(self, tree: Tree) -> None:
        lines = ("from . import numbers", "from .numbers import Numbers", "from metacore import X")
        for number, line in enumerate(lines):
            tree.write(f"metacore/store/more{number}.py", line)
        problems = tree.mirror().write()
        assert [problem.partition(": ")[0] for problem in problems] == [
            f"metacore/store/more{number}.py:1" for number in range(len(lines))
        ]
        assert all(": import by absolute path" in problem for problem in problems)


class TestCommand:
    def run(self, tree: Tree, mocker: MockerFixture, *arguments: str) -> int:
        mocker.patch.object(sys, "argv", ["generate_sync.py", *arguments])
        mocker.patch.object(generator, "Mirror", return_value=tree.mirror())
        return generator.main()

    def test_check_fails_with_the_reasons_and_writes_nothing(
        self, tree: Tree, mocker: MockerFixture, capsys: pytest.CaptureFixture[str]
    ) -> None:
        tree.write("metacore/sync/store/numbers.py", "")
        assert self.run(tree, mocker, "--check") == 1
        assert "metacore/sync/store/numbers.py:1: differs" in capsys.readouterr().err
        assert tree.read("metacore/sync/store/numbers.py") == ""

    def test_without_check_it_writes_and_check_then_passes(self, tree: Tree, mocker: MockerFixture) -> None:
        tree.write("metacore/sync/store/numbers.py", "")
        assert self.run(tree, mocker) == 0
        assert self.run(tree, mocker, "--check") == 0


PUBLIC = '''
"""Numbers."""

from typing import TYPE_CHECKING

from metacore._names import MODULE_OF

if TYPE_CHECKING:
    from metacore.domain.range import Range as Range
    from metacore.store.numbers import Numbers as Numbers
'''


class TestNames:
    @pytest.fixture
    def tree(self, tree: Tree) -> Tree:
        tree.write("metacore/__init__.py", PUBLIC)
        tree.sources.append("metacore/_names.py")
        assert tree.mirror().write() == []
        return tree

    def test_the_table_is_made_of_what_type_checkers_see(self, tree: Tree) -> None:
        assert '    "Numbers": "metacore.store.numbers",\n' in tree.read("metacore/_names.py")
        assert '    "Numbers": "metacore.sync.store.numbers",\n' in tree.read("metacore/sync/_names.py")
        assert '    "Range": "metacore.domain.range",\n' in tree.read("metacore/sync/_names.py")
        assert tree.check() == []

    def test_a_name_that_it_lacks_is_a_problem(self, tree: Tree) -> None:
        tree.write("metacore/__init__.py", PUBLIC + "    from metacore.store.numbers import Other as Other\n")
        assert any(problem.startswith("metacore/_names.py:") for problem in tree.check())

    def test_a_name_of_two_modules_is_a_problem(self, tree: Tree) -> None:
        tree.write("metacore/__init__.py", PUBLIC + "    from metacore.store.numbers import Range as Range\n")
        assert any("Range is imported twice" in problem for problem in tree.check())
