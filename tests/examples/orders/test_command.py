"""`python -m orders` alone: it starts its parts, tells where they are, and leaves nothing behind."""

import asyncio
import re
import signal
import socket
from pathlib import Path
from typing import Any

import psutil
import pytest
from starlette.applications import Starlette

from common.serving import listening, tell
from metacore import ConfigurationError


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=lambda number: number.name)
def test_it_starts_what_nobody_names_and_takes_it_along(
    monkeypatch: pytest.MonkeyPatch, start_system: Any, start_copy: Any, eventually: Any, order: Any, number: int
) -> None:
    for variable in ("METACORE_URL", "SERVICES_KAFKA"):
        monkeypatch.delenv(variable, raising=False)
    system = start_system("orders") if number == signal.SIGINT else start_copy("orders")
    assert system.http.get("/health").status_code == 200
    host, port = system.parts["SERVICES_KAFKA"].split(":")
    data = re.search(r"host=([^&]+)", system.parts["METACORE_URL"])
    assert data is not None
    socket.create_connection((host, int(port))).close()
    family = psutil.Process(system.process.pid).children(recursive=True)
    assert family
    assert system.stop(number) == (0 if number != signal.SIGKILL else -signal.SIGKILL)
    eventually(lambda: not any(process.is_running() and process.status() != "zombie" for process in family))
    assert not Path(data[1]).exists()


def test_it_does_not_share_a_port_that_is_taken() -> None:
    async def listen(port: int) -> None:
        async with listening(Starlette(), "127.0.0.1", port):
            raise AssertionError

    with socket.create_server(("127.0.0.1", 0)) as taken:
        with pytest.raises(ConfigurationError, match="cannot listen on"):
            asyncio.run(listen(taken.getsockname()[1]))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://app:hush@db/orders",
        "host=db password=hush",
        "postgresql://db/orders?host=db&password=hush",
        "postgresql://db/orders?oauth_client_secret=hush",
        "postgresql://db/orders?sslp%61ssword=hush",
        "postgresql://db/orders?p%61ssword=hush",
    ],
)
def test_it_tells_no_password(capsys: pytest.CaptureFixture[str], url: str) -> None:
    tell("orders", "127.0.0.1", 8081, {"METACORE_URL": url, "SERVICES_KAFKA": "127.0.0.1:9092"})
    printed = capsys.readouterr().out
    assert "hush" not in printed
    assert "\nMETACORE_URL=(as given)\nSERVICES_KAFKA=127.0.0.1:9092\n" in printed
