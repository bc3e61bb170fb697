"""The contract suite, as the author of a backend runs it."""

import re
from pathlib import Path

import pytest

from metacore.testing import contract

pytest_plugins = ["pytester"]

RECIPE = Path(__file__).parents[2] / "docs" / "recipes" / "backend.md"


def test_what_only_asynchronous_storages_keep_is_skipped_with_a_reason_on_others(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest
        import metacore.sync
        from metacore.testing import contract
        from metacore.testing.runners import BlockingRunner

        @pytest.fixture
        def backend():
            connect = lambda **options: metacore.sync.connect("memory://", **options)
            with contract.Backend(BlockingRunner(), connect) as it:
                yield it

        class TestEventLoop(contract.EventLoopContract):
            pass
        """
    )
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-rs")
    outcomes = result.parseoutcomes()
    assert set(outcomes) == {"skipped"}
    assert "a blocking storage lives in no event loop" in result.stdout.str()


def test_the_classes_that_the_recipe_lists_are_there() -> None:
    listed = re.findall(r"`(\w+Contract)`", RECIPE.read_text(encoding="utf-8"))
    assert len(listed) > 15
    assert [name for name in listed if not hasattr(contract, name)] == []


def test_no_test_asks_for_the_words_of_a_backends_errors() -> None:
    asked = [
        f"{path.name}: {line.strip()}"
        for path in sorted(Path(contract.__file__).parent.glob("*.py"))
        if not path.name.startswith("service_")
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(r"pytest\.raises\(\w*Error, match=", line) and "ValueError" not in line
    ]
    assert asked == []
