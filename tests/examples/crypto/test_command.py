"""`python -m crypto` alone: it starts its parts and processes, tells where they are, and leaves nothing behind."""

import os
import signal
from typing import Any

import httpx
import psutil
import pytest


def test_it_starts_what_nobody_names_and_takes_it_along(
    monkeypatch: pytest.MonkeyPatch, start_system: Any, new_person: Any, message_until: Any, eventually: Any
) -> None:
    for variable in ("METACORE_URL", "SERVICES_REDIS"):
        monkeypatch.delenv(variable, raising=False)
    system = start_system("crypto")
    assert system.parts.keys() == {"METACORE_URL", "SERVICES_REDIS"}
    alice = new_person(system.url)
    alice.add("BTCUSDT", "1")
    with alice.look_on() as socket:
        before = message_until(socket, lambda message: message["Prices"])["Total"]
        message_until(socket, lambda message: message["Total"] != before)
        family = psutil.Process(system.process.pid).children(recursive=True)
        # Each process dies once, and is started again; the socket of the one that people talk to with it.
        members = [one for one in family if one.cmdline() == psutil.Process(system.process.pid).cmdline()]
        assert len(members) == 4
        for one in members:
            os.kill(one.pid, signal.SIGKILL)
    eventually(lambda: _answers(system))
    alice.http.headers.pop("authorization")
    alice.log_in()
    with alice.look_on() as socket:
        message_until(socket, lambda message: message["Prices"])
    alice.http.close()
    family = psutil.Process(system.process.pid).children(recursive=True)
    assert system.stop() == 0
    eventually(lambda: not any(process.is_running() and process.status() != "zombie" for process in family))


def _answers(system: Any) -> bool:
    try:
        return bool(system.http.get("/health").status_code == 200)
    except httpx.TransportError:
        return False
