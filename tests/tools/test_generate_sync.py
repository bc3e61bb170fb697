"""The generator of metacore/sync, on small source trees of its own."""

from textwrap import dedent
from typing import Any

import pytest

from tests.tools.trees import MIRRORED_NUMBERS, Tree


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
