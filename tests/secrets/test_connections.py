"""libpq's parameters reach it through the URL, and passwords from wherever libpq takes them."""

import socket
import struct
import threading
from collections.abc import Iterator

import pytest
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict

from metacore.config import Settings
from metacore.errors import StorageUnavailableError
from metacore.postgres import SchemaDeployer
from metacore.postgres.client.connections import connection_parameters
from metacore.sync import connect as connect_blocking

SSL_REQUEST = 80877103
GSS_REQUEST = 80877104
SET_BY_METACORE = {"client_encoding", "options"}


def test_every_parameter_of_libpq_passes_through():
    known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()} - SET_BY_METACORE
    assert {"sslmode", "sslrootcert", "sslcert", "channel_binding", "service", "passfile", "require_auth"} < known
    url = "postgresql://?" + "&".join(f"{name}=value-of-{name}" for name in sorted(known))
    passed = connection_parameters(url, Settings())
    assert {name: passed[name] for name in known} == {name: f"value-of-{name}" for name in known}


def test_options_of_the_url_come_before_ours():
    options = connection_parameters("postgresql://?options=-c%20search_path%3Dmine", Settings())["options"]
    assert options.startswith("-c search_path=mine -c ")


@pytest.fixture
def place(server):
    """The URL of the server for the role of services, without its password."""
    return server.url.replace("postgres@", "service@")


@pytest.fixture(autouse=True)
def _no_other_place_for_passwords(monkeypatch, tmp_path):
    for name in ("PGPASSWORD", "PGSERVICE", "PGHOST", "PGUSER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "no-such-file"))


def works(runner, connect, url):
    """Whether storages and the deployer can connect."""
    with runner.opened(connect(url)) as storage:
        storage.ping()
        storage.users.list()
    return SchemaDeployer(url).status().is_usable


def test_a_password_is_asked_for(place, runner, connect):
    for url in (place, make_url(place, password="wrong")):
        with pytest.raises(StorageUnavailableError, match="password"):
            works(runner, connect, url)


def test_password_of_the_url(server, canary, runner, connect):
    assert works(runner, connect, canary.url(server))


def test_password_of_the_environment(place, canary, runner, connect, monkeypatch):
    monkeypatch.setenv("PGPASSWORD", canary.password)
    assert works(runner, connect, place)


def passfile(path, canary):
    password = canary.password.replace("\\", "\\\\").replace(":", "\\:")
    path.write_text(f"other:5432:*:service:wrong\n*:*:*:service:{password}\n")
    path.chmod(0o600)
    return str(path)


def test_password_of_a_file_that_the_environment_names(place, canary, runner, connect, monkeypatch, tmp_path):
    monkeypatch.setenv("PGPASSFILE", passfile(tmp_path / ".pgpass", canary))
    assert works(runner, connect, place)


def test_password_of_a_file_that_the_url_names(place, canary, runner, connect, tmp_path):
    assert works(runner, connect, f"{place}&passfile={passfile(tmp_path / 'passwords', canary)}")


def test_a_file_of_passwords_that_others_may_read_is_passed_over(place, canary, runner, connect, tmp_path):
    path = tmp_path / "passwords"
    passfile(path, canary)
    path.chmod(0o644)
    with pytest.raises(StorageUnavailableError, match="password"):
        works(runner, connect, f"{place}&passfile={path}")


def test_everything_of_a_service_file(server, canary, runner, connect, monkeypatch, tmp_path):
    parameters = {**conninfo_to_dict(server.url), "user": "service", "password": canary.password}
    lines = "".join(f"{name}={value}\n" for name, value in parameters.items())
    (tmp_path / "pg_service.conf").write_text(f"[exchange]\n{lines}")
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "pg_service.conf"))
    assert works(runner, connect, "postgresql://?service=exchange")
    monkeypatch.setenv("PGSERVICE", "exchange")
    assert works(runner, connect, "postgresql://")


def test_everything_of_the_environment(server, canary, runner, connect, monkeypatch):
    parameters = conninfo_to_dict(server.url)
    for name, value in {
        "PGHOST": parameters["host"],
        "PGPORT": parameters["port"],
        "PGDATABASE": "postgres",
        "PGUSER": "service",
        "PGPASSWORD": canary.password,
    }.items():
        monkeypatch.setenv(name, str(value))
    assert works(runner, connect, "postgresql://")


@pytest.mark.parametrize(
    ("parameter", "said"),
    [
        ("channel_binding=require", "channel binding required"),
        ("require_auth=none", "authentication"),
        ("target_session_attrs=read-only", "read-only"),
    ],
)
def test_demands_of_the_url_are_kept(server, canary, parameter, said):
    with pytest.raises(StorageUnavailableError, match=said), connect_blocking(f"{canary.url(server)}&{parameter}"):
        """Never reached."""


def make_url(url, **parameters):
    return url + "".join(f"&{name}={value}" for name, value in parameters.items())


@pytest.fixture
def listener() -> Iterator[tuple[int, list[int]]]:
    """The port of a server that knows no TLS, and the requests that it got."""
    requests: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    while len(header := connection.recv(8)) == 8:
                        requests.append(struct.unpack("!ii", header)[1])
                        if requests[-1] not in (SSL_REQUEST, GSS_REQUEST):
                            break
                        connection.sendall(b"N")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1], requests
        server.shutdown(socket.SHUT_RDWR)
        thread.join(10)


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_a_server_without_tls_gets_no_password(listener, mode, tmp_path):
    port, requests = listener
    (tmp_path / "root.crt").write_text("")
    url = f"postgresql://service:secret@127.0.0.1:{port}/postgres?sslmode={mode}&sslrootcert={tmp_path}/root.crt"
    for call in (lambda: connect_blocking(url).open(), SchemaDeployer(url).status):
        with pytest.raises(StorageUnavailableError, match="SSL"):
            call()
    assert set(requests) <= {SSL_REQUEST, GSS_REQUEST}
    assert requests.count(SSL_REQUEST) == 2


def test_tls_is_asked_for_only_where_the_url_lets_it(listener):
    port, requests = listener
    with pytest.raises(StorageUnavailableError):
        connect_blocking(f"postgresql://service@127.0.0.1:{port}/x?sslmode=disable&gssencmode=disable").open()
    assert SSL_REQUEST not in requests
    assert requests
