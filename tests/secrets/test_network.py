"""Servers that ask for the password in the clear, and connections over a network that nobody checks."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator

import pytest

from metacore import ConfigurationError, Settings, StorageUnavailableError
from metacore.postgres import SchemaDeployer
from metacore.postgres.client import network
from metacore.postgres.client.connections import connection_parameters
from metacore.sync import connect

PASSWORD = "canary-in-the-clear"
CLEAR, MD5 = 3, 5


class Impostor:
    """Passes for a server that asks for the password in one way, and keeps what it is told."""

    def __init__(self, way: int) -> None:
        self.received = b""
        self._question = struct.pack("!ii", 8, 3) if way == CLEAR else struct.pack("!ii4s", 12, 5, b"salt")
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"postgresql://app:{PASSWORD}@127.0.0.1:{self._socket.getsockname()[1]}/x?sslmode=disable"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            with client:
                client.settimeout(5)
                while (start := client.recv(4096)) and start[4:8] == struct.pack("!i", 80877104):
                    client.sendall(b"N")
                client.sendall(b"R" + self._question)
                self.received += client.recv(4096)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=[CLEAR, MD5])
def impostor(request: pytest.FixtureRequest) -> Iterator[Impostor]:
    impostor = Impostor(request.param)
    yield impostor
    impostor.close()


def test_no_server_gets_the_password_in_the_clear(impostor: Impostor) -> None:
    for call in (lambda: connect(impostor.url).open(), lambda: SchemaDeployer(impostor.url).status()):
        with pytest.raises(StorageUnavailableError, match="authentication"):
            call()
    assert impostor.received == b""


def test_the_url_may_say_otherwise(impostor: Impostor) -> None:
    with pytest.raises(StorageUnavailableError):
        connect(f"{impostor.url}&require_auth=password,md5").open()
    assert impostor.received.startswith(b"p")


def test_so_may_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert connection_parameters("postgresql://", Settings())["require_auth"] == network.REQUIRED
    monkeypatch.setenv("PGREQUIREAUTH", "md5")
    assert "require_auth" not in connection_parameters("postgresql://", Settings())


def test_an_older_libpq_is_not_asked_and_a_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("psycopg.pq.version", lambda: 15_00_04)
    assert "require_auth" not in connection_parameters("postgresql://db/x", Settings())
    network.warn({"host": "db", "sslmode": "verify-full"})
    assert "cannot refuse" in caplog.text
    caplog.clear()
    network.warn({"host": "/run/postgresql"})
    assert caplog.text == ""


REMOTE = (
    "host=db.example.com",
    "host=/run,10.0.0.1",
    "hostaddr=192.0.2.1 host=localhost",
    "host=::ffff:10.0.0.1",
    "host=0.0.0.0",
)
HERE = ("", "host=/run/postgresql", "host=localhost", "host=127.0.0.9", "host=::1", "host=db hostaddr=127.0.0.1")


@pytest.mark.parametrize("options", REMOTE)
@pytest.mark.parametrize("mode", ["", "prefer", "require", "verify-ca", "verify-full"])
def test_a_network_without_verify_full_is_a_warning(options: str, mode: str, caplog: pytest.LogCaptureFixture) -> None:
    parameters = dict(part.split("=", 1) for part in options.split())
    network.warn({**parameters, "sslmode": mode})
    assert ("sslmode=verify-full and sslrootcert" in caplog.text) == (mode != "verify-full")


@pytest.mark.parametrize("options", HERE)
def test_this_machine_is_none(options: str, caplog: pytest.LogCaptureFixture) -> None:
    network.warn(dict(part.split("=", 1) for part in options.split()))
    assert caplog.text == ""


@pytest.mark.parametrize("variable", ["PGHOST", "PGHOSTADDR"])
def test_the_host_may_come_from_the_environment(
    variable: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(variable, "203.0.113.1")
    network.warn({})
    assert "203.0.113.1" in caplog.text
    caplog.clear()
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    network.warn({})
    assert caplog.text == ""


def test_storages_and_the_deployer_warn(caplog: pytest.LogCaptureFixture) -> None:
    url = "postgresql://app@nowhere.invalid/x?connect_timeout=2"
    for call in (lambda: connect(url).open(), lambda: SchemaDeployer(url).status()):
        caplog.clear()
        with pytest.raises((StorageUnavailableError, ConfigurationError)):
            call()
        assert "nowhere.invalid" in caplog.text
