"""What a maintainer runs. Every session installs the built package, never the checkout."""

from __future__ import annotations

import shutil
from pathlib import Path

import nox

nox.options.sessions = ["lint", "types", "mirror", "tests"]
nox.options.default_venv_backend = "virtualenv"

EXTRAS = ".[embedded,cli,crypto,mexc,testing]"
PROJECT = nox.project.load_toml("pyproject.toml")


def _install(session: nox.Session, *groups: str) -> None:
    wanted = [requirement for group in groups for requirement in nox.project.dependency_groups(PROJECT, group)]
    session.install(EXTRAS, *wanted)


@nox.session
def demo(session: nox.Session) -> None:
    """Real payloads into an embedded PostgreSQL and back, printed as tables."""
    _install(session)
    session.run("python", "-P", "examples/quickstart.py", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """All tests, against an embedded PostgreSQL or, if METACORE_TEST_URL is set, that server; `-- -n 0`: in turn."""
    _install(session, "test")
    session.run("pytest", "-n", "logical", "--maxprocesses", "4", "--dist", "worksteal", *session.posargs)


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
    session.run("mypy")
    session.run("pyright")


@nox.session
def mirror(session: nox.Session) -> None:
    """`metacore.sync` is what its sources make of it."""
    session.install(*nox.project.dependency_groups(PROJECT, "lint"))
    session.run("python", "tools/generate_sync.py", "--check")


@nox.session
def bench(session: nox.Session) -> None:
    """The ratios against hand-written psycopg; name a benchmark to run that one only."""
    _install(session)
    scripts = sorted(str(path) for path in Path("benchmarks").glob("*.py") if path.stem != "harness")
    for script in session.posargs or scripts:
        session.run("python", "-P", script, env={"PYTHONPATH": "benchmarks"})


@nox.session
def build(session: nox.Session) -> None:
    """The wheel and the source distribution, in dist/."""
    session.install("build>=1.2,<2")
    shutil.rmtree("dist", ignore_errors=True)
    session.run("python", "-m", "build")
