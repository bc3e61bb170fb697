"""Small source trees of their own, for the generator of metacore/sync."""

import importlib
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

sys.path.insert(0, str(ROOT / "tools"))
generator = importlib.import_module("generate_sync")

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
        return generator.Mirror(self.root, sources=self.sources, names=self.names, modules={})

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
