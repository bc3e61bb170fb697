"""What the generator of metacore/sync complains of, on small source trees of its own."""

import sys

import pytest
from pytest_mock import MockerFixture

from tests.tools.trees import Tree, generator


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
