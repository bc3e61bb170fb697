"""Generate metacore/sync/, the blocking mirror of the asynchronous sources.

    python tools/generate_sync.py            write the mirror
    python tools/generate_sync.py --check    exit with 1, saying why, unless the mirror is what the sources make of it

The tables below are the whole translation. A rule that matches nothing fails, so they hold what is in use and no more.
Sources import by absolute path from the module that defines the name, so that a rule for the module covers the import.
Needs ruff, which lays out the result.
"""

import argparse
import ast
import itertools
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from source_text import Kind, imports_for_type_checkers, pieces, without_needless_parentheses

COMMAND = "python tools/generate_sync.py"
PACKAGE = "metacore"
TARGET = "metacore/sync"
SOURCES = (
    "metacore/__init__.py",
    "metacore/_names.py",
    "metacore/opening.py",
    "metacore/crypto/keys.py",
    "metacore/storage",
    "metacore/backends",
    "metacore/memory/storages",
    "metacore/postgres/client/lending.py",
    "metacore/postgres/client/pool.py",
    "metacore/postgres/client/session.py",
    "metacore/postgres/client/autocommit_session.py",
    "metacore/postgres/client/transaction_session.py",
    "metacore/postgres/client/bound.py",
    "metacore/postgres/client/shared_connection.py",
    "metacore/postgres/storages",
    "metacore/services",
)
"""What is mirrored: packages and modules, each to the same path below TARGET."""

SHARED = (
    "metacore/backends/arguments.py",
    "metacore/backends/expectations.py",
    "metacore/backends/listing.py",
    "metacore/backends/modules.py",
    "metacore/backends/schemes.py",
    "metacore/backends/tally.py",
    "metacore/backends/transaction_state.py",
    "metacore/services/caches.py",
    "metacore/storage/stats.py",
)
"""What of them both worlds use as it is."""

EXPORTS = {"metacore/__init__.py": "metacore/_names.py"}
"""Packages whose names are loaded on first use, and the table of their modules, made of what they import for types."""

NAMES = {
    "AbstractAsyncContextManager": "AbstractContextManager",
    "AsyncIterator": "Iterator",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "async_storage": "blocking_storage",
    "asynccontextmanager": "contextmanager",
}
"""Identifiers: in code, strings, docstrings and comments."""

MODULES = {
    "metacore._compat.aio": "metacore._compat.blocking",
    "metacore._compat.flights_aio": "metacore._compat.flights_blocking",
    "metacore._compat.psycopg_aio": "metacore._compat.psycopg_blocking",
}
"""Dotted paths, also as the beginning of longer ones: everywhere, like NAMES. Each of SOURCES adds its own."""


@dataclass(frozen=True)
class Rule:
    """Replaces what `pattern` matches in pieces of these kinds."""

    name: str
    pattern: str
    replacement: str = ""
    kinds: Kind = Kind.CODE | Kind.STRING | Kind.PROSE


KEYWORDS = (
    Rule("async", r"\basync\s+(?=(?:def|for|with)\b)", kinds=Kind.CODE | Kind.PROSE),
    Rule("await", r"\bawait\b\s*", kinds=Kind.CODE),
    Rule("await", r"\bawait (?=[\w.]+[(\[])", kinds=Kind.PROSE),
)
"""In prose they go where they stand in front of code; elsewhere they are words, which LEFTOVER reports."""

LEFTOVER = re.compile(r"async|\bawait(?:able|ed)?\b|\bcoroutine|\b__a(?:enter|exit|iter|next)__", re.IGNORECASE)
"""What a blocking file never says."""


def module_of(source: str) -> str:
    return source.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def rules(
    sources: Sequence[str], names: Mapping[str, str], modules: Mapping[str, str], shared: Sequence[str]
) -> Iterator[Rule]:
    yield from KEYWORDS
    for name, replacement in names.items():
        yield Rule(name, rf"\b{name}\b", replacement)
    own = {module: module.replace(PACKAGE, module_of(TARGET), 1) for module in map(module_of, sources)}
    kept = "".join(rf"(?!{re.escape(module_of(path))}\b)" for path in shared)
    for module, replacement in {**modules, **own}.items():
        if module != PACKAGE:
            yield Rule(module, rf"(?<![\w.]){kept}{re.escape(module)}\b", replacement)


class Mirror:
    """The mirror of `sources`, below `root`."""

    def __init__(
        self,
        root: Path,
        sources: Sequence[str] = SOURCES,
        names: Mapping[str, str] = NAMES,
        modules: Mapping[str, str] = MODULES,
        shared: Sequence[str] = SHARED,
    ) -> None:
        self.root = root
        self.sources = sources
        self.shared = shared
        self.rules = list(rules(sources, names, modules, shared))
        self.matches: Counter[str] = Counter()
        self.problems: list[str] = []
        self._patterns = {
            kind: re.compile("|".join(f"(?P<r{n}>{r.pattern})" for n, r in enumerate(self.rules) if kind in r.kinds))
            for kind in Kind
        }

    def translate(self, text: str) -> str:
        """`text` by the rules, not yet laid out."""

        def apply(match: re.Match[str]) -> str:
            rule = self.rules[int(str(match.lastgroup)[1:])]
            self.matches[rule.name] += 1
            return rule.replacement

        parts = pieces(without_needless_parentheses(text))
        return "".join(self._patterns[kind].sub(apply, part) for kind, part in parts)

    def generate(self) -> dict[str, str]:
        """The mirror's files by their paths below `root`; what is wrong with the sources is added to `problems`."""
        files = self._tables_of_names()
        for source in self._source_files():
            text = files.get(source) or (self.root / source).read_text(encoding="utf-8")
            self._check_imports(source, text)
            header = "" if source in files else f"# Made from {source} by `{COMMAND}`. Do not edit.\n"
            files[source.replace(PACKAGE, TARGET, 1)] = header + self.translate(text)
        for path in list(files):
            for package in itertools.takewhile(lambda parent: str(parent) != PACKAGE, Path(path).parents):
                marker = f'# Made by `{COMMAND}`. Do not edit.\n"""Holds the blocking mirror of what is below it."""\n'
                files.setdefault(f"{package}/__init__.py", marker)
        files = self._laid_out(files)
        for path, text in files.items():
            for number, line in enumerate(text.splitlines(), 1):
                if left := LEFTOVER.search(line):
                    self.problems.append(f"{path}:{number}: {left[0]!r} is left: reword its source, or add a rule")
        for rule in self.rules:
            if not self.matches[rule.name]:
                self.problems.append(f"rule {rule.name!r} matches nothing: remove it from tools/generate_sync.py")
        return files

    def _tables_of_names(self) -> dict[str, str]:
        files = {}
        for source, target in EXPORTS.items():
            path = self.root / source
            if target in self.sources and path.is_file():
                imports = list(imports_for_type_checkers(path.read_text(encoding="utf-8")))
                for name in (name for name, count in Counter(name for name, _ in imports).items() if count > 1):
                    self.problems.append(f"{source}: {name} is imported twice: remove one")
                rows = "".join(f"    {name!r}: {module!r},\n" for name, module in sorted(imports))
                files[target] = (
                    f"# Made from {source} by `{COMMAND}`. Do not edit.\n"
                    f'"""The module of each public name."""\n\nMODULE_OF = {{\n{rows}}}\n'
                )
        return files

    def _source_files(self) -> Iterator[str]:
        for source in self.sources:
            path = self.root / source
            made = path.is_file() or source in EXPORTS.values()
            found = sorted(path.rglob("*.py")) if path.is_dir() else [path] if made else []
            if not found:
                self.problems.append(f"{source} is not there: correct SOURCES in tools/generate_sync.py")
            names = (file.relative_to(self.root).as_posix() for file in found)
            yield from (name for name in names if name not in self.shared)

    def _check_imports(self, source: str, text: str) -> None:
        for node in ast.walk(ast.parse(text, source)):
            if isinstance(node, ast.ImportFrom) and (node.level or node.module == PACKAGE):
                problem = "import by absolute path, from the module that defines the name"
                self.problems.append(f"{source}:{node.lineno}: {problem}")

    def _laid_out(self, files: Mapping[str, str]) -> dict[str, str]:
        with tempfile.TemporaryDirectory() as name:
            directory = Path(name)
            shutil.copy(self.root / "pyproject.toml", directory)
            for path, text in files.items():
                (directory / path).parent.mkdir(parents=True, exist_ok=True)
                (directory / path).write_text(text, encoding="utf-8")
            for step in (["check", "--fix-only"], ["format"]):
                command = [sys.executable, "-m", "ruff", *step, "--quiet", "--no-cache", "."]
                subprocess.run(command, cwd=name, check=True)
            return {path: (directory / path).read_text(encoding="utf-8") for path in files}

    def check(self) -> list[str]:
        """What is wrong with the mirror on disk, or with its sources; empty when nothing is."""
        files = self.generate()
        for path in sorted(files.keys() | self._present()):
            if path not in files:
                self.problems.append(f"{path} is made from no source: run `{COMMAND}`, which removes it")
            elif not (self.root / path).is_file():
                self.problems.append(f"{path} is missing: run `{COMMAND}`")
            elif (actual := (self.root / path).read_bytes()) != files[path].encode():
                pairs = itertools.zip_longest(actual.split(b"\n"), files[path].encode().split(b"\n"))
                line = next(number for number, (is_, should) in enumerate(pairs, 1) if is_ != should)
                self.problems.append(f"{path}:{line}: differs from what its source makes: run `{COMMAND}`")
        return self.problems

    def write(self) -> list[str]:
        """Write the mirror, remove what does not belong to it, and return what is wrong with the sources."""
        files = self.generate()
        for path in self._present() - files.keys():
            (self.root / path).unlink()
        for path, text in files.items():
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_bytes(text.encode())
        return self.problems

    def _present(self) -> set[str]:
        files = {path for path in (self.root / TARGET).rglob("*") if not path.is_dir()}
        return {path.relative_to(self.root).as_posix() for path in files if "__pycache__" not in path.parts}


def main() -> int:
    parser = argparse.ArgumentParser(description="Generate metacore/sync/, the blocking mirror.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail unless the mirror is up to date")
    mirror = Mirror(Path(__file__).resolve().parent.parent)
    problems = mirror.check() if parser.parse_args().check else mirror.write()
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
