"""What a maintainer runs. Every session installs the built package, never the checkout."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import nox

nox.options.sessions = ["lint", "types", "mirror", "tests"]
nox.options.default_venv_backend = "uv|virtualenv"  # uv where it is installed: in seconds, what pip takes a minute for
nox.options.error_on_missing_interpreters = False

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
EXTRAS = ".[embedded,cli,crypto,auth,mexc,names,testing]"
SYSTEMS = ("common", "crypto", "marketflow", "marketplace", "orders", "service")
EXAMPLES = (*(word for name in SYSTEMS for word in ("-p", name)), "-m", "quickstart")
MEMORY, ROOM = Path("/dev/shm"), 6 << 30
PROJECT = nox.project.load_toml("pyproject.toml")


def _requirements(*groups: str) -> list[str]:
    return [EXTRAS, *nox.project.dependency_groups(PROJECT, *groups)]


def _install(session: nox.Session, *groups: str) -> None:
    session.install(*_requirements(*groups))


def _compile(session: nox.Session) -> None:
    """Let what is installed be compiled once, now, and the rest by who first reads it, whatever the variables say."""
    session.env.update({"UV_COMPILE_BYTECODE": "1", "PYTHONDONTWRITEBYTECODE": ""})


def _install_for_tests(session: nox.Session, *groups: str) -> None:
    # Many processes are started: what the first of them reads is compiled for all, and no more than that.
    session.env["PYTHONDONTWRITEBYTECODE"] = ""
    _install(session, "test", *groups)


def _test(session: nox.Session) -> None:
    # A database for a test is a thousand small files: in memory, where there is room, they cost a fifth.
    if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
        session.env.setdefault("TMPDIR", os.environ.get("TMPDIR", str(MEMORY)))
    # Compiled by one, before all of them start by reading it.
    session.run("pytest", "-n", "0", "--collect-only", "-qq", *session.posargs, silent=True)
    # More processes than two cores: many tests wait for a server, a time-out or a process.
    session.run("pytest", "-n", "4", "--dist", "loadscope", *session.posargs)


def _interpreter(version: str) -> str:
    """The Python of `version`: on PATH, where a shim of pyenv may lead nowhere, or among pyenv's own."""
    found = shutil.which(f"python{version}")
    if found is not None and Path(found).parent.name != "shims":
        return found
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    installed = sorted(pyenv.glob(f"versions/{version}.*/bin/python"), key=os.path.getmtime)
    return str(installed[-1]) if installed else version


@nox.session
def demo(session: nox.Session) -> None:
    """Real payloads into an embedded PostgreSQL and back, printed as tables."""
    _install(session)
    session.run("python", "-P", "examples/quickstart.py", *session.posargs)


@nox.session
def serve(session: nox.Session) -> None:
    """One of the systems in examples/, with the parts that no variable names: `-- orders`."""
    if not session.posargs or not Path("examples", session.posargs[0], "__main__.py").is_file():
        found = sorted(path.parent.name for path in Path("examples").glob("*/__main__.py"))
        session.error(f"say which: nox -s serve -- {'|'.join(found)}")
    _compile(session)
    _install(session, "services")
    # In the place of this process: signals are the system's from now on, and the exit status is its own.
    python = str(Path(session.bin, "python").absolute())
    os.chdir("examples")
    os.execve(python, [python, "-m", *session.posargs], {**os.environ, "PYTHONDONTWRITEBYTECODE": ""})


@nox.session
def tests(session: nox.Session) -> None:
    """All tests, against an embedded PostgreSQL or, if METACORE_TEST_URL is set, that server; `-- -n 0`: in turn."""
    _install_for_tests(session)
    _test(session)


def _tests_on(version: str) -> None:
    # One session for each version by a name of its own: `nox -s tests` runs on the current Python alone.
    @nox.session(name=f"tests-{version}", python=_interpreter(version))
    def tests_on(session: nox.Session) -> None:
        _install_for_tests(session)
        _test(session)

    tests_on.__doc__ = f"All tests on Python {version}, if it is found."


for _version in PYTHONS:
    _tests_on(_version)


@nox.session(name="tests-lowest", python=_interpreter(PYTHONS[0]))
def tests_lowest(session: nox.Session) -> None:
    """All tests on the oldest Python with the oldest versions that pyproject.toml allows."""
    session.install("uv>=0.5")
    target = ("--python", session.virtualenv.location, "--resolution", "lowest-direct", "--upgrade")
    session.run("uv", "pip", "install", "--quiet", *target, *_requirements("test"))
    _test(session)


@nox.session
def systems(session: nox.Session) -> None:
    """The systems in examples/ with what is too large for all tests: a ClickHouse, and the machine's own Chromium."""
    _install_for_tests(session, "browser", "clickhouse")
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    files = sorted(map(str, Path("tests/examples").glob("*/clickhouse_*.py")))
    if chromium is None:
        session.warn("the pages are not looked at: no Chromium is installed; on Debian: apt-get install chromium")
    else:
        files += sorted(map(str, Path("tests/examples").glob("*/browser_*.py")))
    session.run("pytest", "-n", "0", *(session.posargs or files), env={"CHROMIUM": chromium or ""})


@nox.session
def lint(session: nox.Session) -> None:
    """Style and format."""
    session.install(*nox.project.dependency_groups(PROJECT, "lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Types, by mypy strict and pyright: both prove that the backends keep the protocols."""
    _install(session, "test", "types")
    # Nothing is kept for another run: to write that takes as long as a tenth of the checks.
    session.run("mypy", "--cache-dir", os.devnull, "-p", "metacore", *EXAMPLES)
    session.run("pyright")


@nox.session
def mirror(session: nox.Session) -> None:
    """`metacore.sync` is what its sources make of it."""
    session.install(*nox.project.dependency_groups(PROJECT, "lint"))
    session.run("python", "tools/generate_sync.py", "--check")


@nox.session
def site(session: nox.Session) -> None:
    """The pages of docs/ as a site, in build/site; a link that leads nowhere fails it."""
    session.install(*nox.project.dependency_groups(PROJECT, "docs"))
    # Without the variable, Material tells of its successor on each run.
    session.run("mkdocs", "build", "--strict", env={"NO_MKDOCS_2_WARNING": "1"})


@nox.session
def bench(session: nox.Session) -> None:
    """The ratios against hand-written psycopg, and systems under load; name a benchmark to run that one only."""
    _install(session, "services")
    modules = {
        *Path("benchmarks").rglob("harness.py"),
        Path("benchmarks/services/buyers.py"),
        *Path("benchmarks/peers").iterdir(),
    }
    scripts = sorted(str(path) for path in Path("benchmarks").rglob("*.py") if path not in modules)
    for script in session.posargs or scripts:
        session.run("python", "-P", script, env={"PYTHONPATH": os.pathsep.join(("examples", "benchmarks"))})


@nox.session
def peers(session: nox.Session) -> None:
    """Metacore and what people would write or pick instead, doing the same work in one run: `-- --help`."""
    _install(session, "peers")
    session.run("python", "-P", "-m", "peers", *session.posargs, env={"PYTHONPATH": "benchmarks"})


@nox.session
def build(session: nox.Session) -> None:
    """The wheel and the source distribution, in dist/."""
    session.install("build>=1.2,<2")
    shutil.rmtree("dist", ignore_errors=True)
    session.run("python", "-m", "build")
