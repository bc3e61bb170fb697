"""Systems of examples/ as processes of their own, and the parts that they run on."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from common.ports import free_port
from common.servers import Broker, RedisServer, Server
from metacore.testing.databases import Databases
from tests.examples.copies import Copy

EXAMPLES = Path(__file__).parents[2] / "examples"
BROWSER_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


Process = subprocess.Popen[bytes] | Copy
Kind = Callable[[str, Path, dict[str, str]], Process]


def started(name: str, log: Path, variables: dict[str, str]) -> Process:
    """A process of its own, which begins with nothing loaded."""
    with log.open("ab") as errors:
        return subprocess.Popen(
            [sys.executable, "-m", name], cwd=EXAMPLES, env=variables, stdout=subprocess.PIPE, stderr=errors
        )


class Running:
    """A system that was started, and is ready. What it logs is in `log`."""

    def __init__(self, name: str, log: Path, variables: dict[str, str], kind: Kind) -> None:
        self.log = log
        environment = {**os.environ, f"{name.upper()}_PORT": str(free_port()), **variables}
        self.process = kind(name, log, environment)
        self.parts: dict[str, str] = {}
        self.url = ""
        assert self.process.stdout is not None
        while (line := self.process.stdout.readline().decode().strip()) != f"{name}: ready":
            if not line:
                self.process.stdout.close()
                self.process.wait()
                pytest.fail(f"the system did not start: {log.read_text()}")
            if started := re.fullmatch(rf"{name}: (http://\S+)", line):
                self.url = started[1]
            else:
                part, _, url = line.partition("=")
                self.parts[part] = url
        self.http = httpx.Client(base_url=self.url, timeout=30)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send the signal, and return the exit status."""
        self.http.close()
        self.process.send_signal(number)
        status = self.process.wait(timeout=30)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status


@pytest.fixture(scope="session")
def run_system(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Running]:
    """Run a system by its name, with variables; whoever does stops it."""
    return lambda name, **variables: Running(name, tmp_path_factory.mktemp("systems") / "log", variables, started)


Start = Callable[..., Running]


@pytest.fixture(scope="module")
def start_system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Start a system by its name, with variables; what still runs at the end of the module is stopped."""
    yield from _starting(tmp_path_factory.mktemp("systems") / "log", started)


@pytest.fixture(scope="module")
def start_copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """The same, at a fraction of the time: as a copy of a process that has loaded what the system needs."""
    yield from _starting(tmp_path_factory.mktemp("systems") / "log", Copy)


def _starting(log: Path, kind: Kind) -> Iterator[Start]:
    systems: list[Running] = []

    def start(name: str, **variables: str) -> Running:
        systems.append(Running(name, log, variables, kind))
        return systems[-1]

    yield start
    for system in systems:
        if system.process.poll() is None:
            assert system.stop() == 0, log.read_text()


@pytest.fixture(scope="module")
def database_url(metacore_databases: Databases) -> Iterator[str]:
    """A deployed database for the tests of one module: the one that METACORE_URL names, or one of their own."""
    if named := os.environ.get("METACORE_URL"):
        yield named
    else:
        with metacore_databases.database() as url:
            yield url


@pytest.fixture(scope="session")
def kafka_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker that lives as long as the tests: the one that SERVICES_KAFKA names, or an embedded one."""
    yield from _served("SERVICES_KAFKA", Broker, tmp_path_factory.mktemp("broker"))


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis that lives as long as the tests: the one that SERVICES_REDIS names, or an embedded one."""
    yield from _served("SERVICES_REDIS", RedisServer, tmp_path_factory.mktemp("redis"))


def _served(variable: str, kind: type[Server], directory: Path) -> Iterator[str]:
    if named := os.environ.get(variable):
        yield named
        return
    server = kind(directory)
    server.start()
    yield server.url
    server.stop()


def eventually(check: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until `check` holds."""
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.1)


@pytest.fixture(name="eventually", scope="session")
def eventually_fixture() -> Callable[..., None]:
    """The function above."""
    return eventually


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """The browser that CHROMIUM names."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ["CHROMIUM"], args=BROWSER_FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def page(request: pytest.FixtureRequest, browser: Any, system: Any) -> Iterator[Any]:  # ends before its system
    """A page that knows nothing yet; it fails the tests for what its console complains of, such as the security policy,
    but not for the answers whose statuses the module names as ANSWERED.
    """
    with browser.new_context(viewport={"width": 1200, "height": 760}) as context:
        page = context.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.on("console", lambda printed: complaints.append(printed.text) if printed.type == "error" else None)
        yield page
    answered = "Failed to load resource: the server responded with a status of"
    harmless = tuple(f"{answered} {status} (" for status in request.module.ANSWERED)
    assert [text for text in complaints if not text.startswith(harmless)] == []
