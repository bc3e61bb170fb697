"""The package as it is built and installed: the migrations come along, whichever way it takes."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from metacore.postgres import EmbeddedPostgres
from metacore.postgres.schema.revisions import revisions

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = {path.name for path in (ROOT / "migrations" / "versions").glob("*.py")}


def run(*command, cwd, **environment):
    """What a command printed, run with nothing of the checkout in its environment."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "METACORE"))}
    result = subprocess.run(
        command, cwd=cwd, env={**inherited, **environment}, capture_output=True, text=True, timeout=120, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def build(kind, source, target):
    run(sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(target), cwd=source)
    (built,) = target.iterdir()
    return built


def names_in(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return build("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    return build("sdist", ROOT, tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def wheel_of_sdist(tmp_path_factory, sdist):
    unpacked = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        # The first releases of Python 3.11 know no filters.
        archive.extractall(unpacked, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    (source,) = unpacked.iterdir()
    return build("wheel", source, tmp_path_factory.mktemp("wheel_of_sdist"))


@pytest.fixture(scope="module")
def environment(tmp_path_factory, wheel_of_sdist):
    """A fresh environment with the wheel in it, and the packages that it depends on in sight."""
    directory = tmp_path_factory.mktemp("environment")
    venv.create(directory, symlinks=True)
    python = directory / "bin" / "python"
    run(
        *(sys.executable, "-m", "pip", "--python", str(python), "install"),
        *("--quiet", "--no-deps", "--no-index", "--no-compile", "--disable-pip-version-check", str(wheel_of_sdist)),
        cwd=directory,
    )
    purelib = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=directory).strip()
    (Path(purelib) / "dependencies.pth").write_text(
        "\n".join({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
    )
    return directory


def test_the_wheel_holds_the_migrations_and_no_tests(wheel):
    names = names_in(wheel)
    assert {name for name in names if name.startswith("metacore/_migrations/versions/")} == {
        f"metacore/_migrations/versions/{script}" for script in SCRIPTS
    }
    assert {"metacore/_migrations/env.py", "metacore/py.typed"} <= names
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"metacore"}


def test_the_wheel_of_the_sdist_is_the_same(wheel, wheel_of_sdist):
    assert names_in(wheel_of_sdist) == names_in(wheel)


def test_an_editable_installation_points_at_the_checkout(tmp_path):
    target = tmp_path / "wheel"
    command = "import hatchling.build, sys; print(hatchling.build.build_editable(sys.argv[1]))"
    target.mkdir()
    run(sys.executable, "-c", command, str(target), cwd=ROOT)
    (built,) = target.iterdir()
    with zipfile.ZipFile(built) as archive:
        (pointer,) = (name for name in archive.namelist() if name.endswith(".pth"))
        assert Path(archive.read(pointer).decode().strip()) == ROOT


DIRT = (
    *(
        "metacore/.env",
        "metacore/postgres/prod.key",
        "metacore/keys.txt",
        "metacore/.cache/module.py",
        "metacore/x.pem",
    ),
    *("migrations/.env", "migrations/versions/dump.sql", "migrations/versions/id_rsa", "docs/.env.local", ".env"),
    *("tests/.cache/answers.json", "examples/credentials.json", "tools/settings.toml", "prod.key", "docs/backup.zip"),
)


def test_nothing_of_a_dirty_checkout_goes_along(tmp_path, wheel, sdist):
    dirty = tmp_path / "dirty"
    shutil.copytree(ROOT, dirty, ignore=shutil.ignore_patterns(".*", "__pycache__", "dist", "build"))
    for name in DIRT:
        (dirty / name).parent.mkdir(exist_ok=True)
        (dirty / name).write_text("METACORE_ENCRYPTION_KEYS=canary")
    assert names_in(build("wheel", dirty, tmp_path / "wheel")) == names_in(wheel)
    after = build("sdist", dirty, tmp_path / "sdist")
    with tarfile.open(sdist) as clean, tarfile.open(after) as made:
        # The copy has nothing that tells what to ignore.
        assert made.getnames() == [name for name in clean.getnames() if not name.endswith("/.gitignore")]
        assert len(made.getnames()) > 400


def test_the_checkout_finds_its_migrations(tmp_path):
    program = "from metacore.postgres.schema.revisions import *; print(migrations_directory())"
    assert run(sys.executable, "-c", program, cwd=tmp_path, PYTHONPATH=str(ROOT)).strip() == str(ROOT / "migrations")


def test_the_installed_wheel_deploys_outside_the_checkout(environment, tmp_path):
    program = "import metacore.postgres.schema.revisions as r; print(r.__file__); print(r.migrations_directory())"
    printed = run(environment / "bin" / "python", "-c", program, cwd=tmp_path).split()
    assert all(Path(path).is_relative_to(environment) for path in printed)
    with EmbeddedPostgres() as server:
        command = environment / "bin" / "metacore"
        deployed = run(command, "deploy", "--url", server.url, cwd=tmp_path)
        assert all(revision in deployed for revision in revisions())
        assert "is at revision base" in run(command, "downgrade", "base", "--url", server.url, cwd=tmp_path)
