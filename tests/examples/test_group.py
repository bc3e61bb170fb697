"""Several processes that start, serve and end as one."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"

MEMBER = """
import asyncio, os, pathlib, sys
from common.group import parts_of
from common.parts import Parts
from common.serving import run
async def serve(urls, stop):
    with pathlib.Path(os.environ["NAME"]).open("a") as told:
        told.write(f"{os.getpid()} {urls['METACORE_URL']}\\n")
    if "BROKEN" in os.environ:
        raise SystemExit(3)
    print("ready", flush=True)
    await stop.wait()
    with pathlib.Path("ended").open("a") as told:
        told.write(os.environ["NAME"] + " ")
sys.exit(run(serve, parts_of(lambda: Parts("METACORE_URL"))))
"""

SYSTEM = """
import sys
from common.group import Member, run
from common.parts import Parts
members = [Member("member", {"NAME": "first"}), Member("member", {"NAME": "second"})]
sys.exit(run("both", members, Parts("METACORE_URL").start(), "127.0.0.1", 1))
"""


Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a system of two members, which write to files of their names who they are."""
    (tmp_path / "member.py").write_text(MEMBER)
    (tmp_path / "both.py").write_text(SYSTEM)
    own = {"METACORE_URL": "memory://", "PYTHONPATH": os.pathsep.join((str(EXAMPLES), str(tmp_path)))}
    started: list[subprocess.Popen[str]] = []

    def begin(**variables: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "both"],
            cwd=tmp_path,
            env={**os.environ, **own, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def first_lines(process: subprocess.Popen[str], count: int) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline().strip() for _ in range(count)]


def test_members_get_the_parts_and_end_in_turn(start: Start, tmp_path: Path) -> None:
    process = start()
    assert first_lines(process, 3) == ["both: http://127.0.0.1:1", "METACORE_URL=memory://", "both: ready"]
    assert (tmp_path / "first").read_text().endswith(" memory://\n")
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert (tmp_path / "ended").read_text() == "second first "


def test_one_that_dies_is_started_again_and_all_die_with_who_started_them(
    start: Start, tmp_path: Path, eventually: Callable[..., None]
) -> None:
    process = start()
    first_lines(process, 3)
    family = psutil.Process(process.pid).children()
    assert len({os.getpgid(one.pid) for one in (psutil.Process(process.pid), *family)}) == 1
    os.kill(int((tmp_path / "first").read_text().split()[0]), signal.SIGKILL)
    eventually(lambda: len((tmp_path / "first").read_text().splitlines()) == 2)
    family = psutil.Process(process.pid).children()
    process.kill()
    eventually(lambda: not any(one.is_running() and one.status() != "zombie" for one in family), 10)
    assert not (tmp_path / "ended").exists()


def test_one_that_does_not_start_ends_the_system(start: Start) -> None:
    process = start(BROKEN="1")
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "error: member did not start" in errors
