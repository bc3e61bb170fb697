"""Canaries, a search for them in everything that comes out, and a server that asks for a password."""

import base64
import hashlib
import io
import logging
import pickle
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

import psycopg
import pytest
from pydantic import ValidationError

import metacore
import metacore.sync
from metacore.config import Settings
from metacore.crypto.ring import KeyRing
from metacore.crypto.sealing import hash_api_key
from metacore.domain.people.credentials import Credentials
from metacore.domain.people.tokens import TokenSecret
from metacore.errors import MetacoreError
from metacore.postgres import EmbeddedPostgres, SchemaDeployer
from metacore.testing.loop_threads import PATIENCE
from metacore.testing.runners import AsyncRunner, BlockingRunner, Runner

ROLE = "service"


class Canary:
    """Secrets that show where they get to."""

    api_key, api_secret, passphrase = "canary-api-key-5b1e", "canary-api-secret-92c4", "canary-passphrase-0d7f"
    password = "canary: p@ss/word%#?&6a"
    key, old_key = hashlib.sha256(b"canary").digest(), hashlib.sha256(b"old canary").digest()
    keys = f"new:{base64.b64encode(key).decode()},old:{base64.b64encode(old_key).decode()}"
    credentials = Credentials(api_key=api_key, api_secret=api_secret, passphrase=passphrase)
    role = ROLE
    person = "canary-person-3c1d"
    email = f"{person}@canary.example"
    password_hash = "$argon2id$v=19$m=19456,t=2,p=1$canary-salt-77aa$canary-hash-4e02"
    token = TokenSecret(hashlib.sha256(b"canary of a token").digest()).token(UUID(int=1), UUID(int=2))
    token_hash, nonce = hashlib.sha256(b"canary token").digest(), hashlib.sha256(b"canary nonce").digest()

    def forms(self) -> Iterator[tuple[str, str]]:
        """Each of them in every form in which it might show."""
        for name in ("api_key", "api_secret", "passphrase"):
            text = getattr(self, name).encode()
            yield from ((name, form) for form in (text.decode(), text.hex(), base64.b64encode(text).decode()[:-3]))
        yield "token", self.token.get_secret_value()[-43:]
        for form in (self.password, quote(self.password, safe=""), quote(self.password), "p@ss", "p%40ss"):
            yield "password", form
        for key in (self.key, self.old_key):
            for form in (base64.b64encode(key).decode(), base64.urlsafe_b64encode(key).decode(), key.hex()):
                yield "encryption key", form
            yield from (("encryption key", form) for form in (repr(key)[2:-1], key.decode("latin-1")))

    def personal_forms(self) -> Iterator[tuple[str, str]]:
        """What is stored readably, and told to nobody but who asks for it: an e-mail address, and hashes."""
        yield "e-mail address", self.person
        yield "hash of a password", "canary-hash-4e02"
        for name, hashed in (("hash of a token", self.token_hash), ("nonce", self.nonce)):
            yield from ((name, form) for form in (hashed.hex(), repr(hashed)[2:-1]))
        for hashed in hash_api_key(KeyRing.parse(self.keys), self.credentials.api_key):
            for form in (hashed.hex(), base64.b64encode(hashed).decode()[:-3], repr(hashed)[2:-1]):
                yield "hash of an API key", form

    def url(self, server: EmbeddedPostgres, password: str = password) -> str:
        """The URL of a server for the role of services."""
        return server.url.replace("postgres@", f"{ROLE}:{quote(password, safe='')}@")


class Evidence:
    """What was printed, logged, raised and stored."""

    def __init__(self, canary: Canary) -> None:
        self._canary = canary
        self._parts: list[tuple[str, str]] = []
        self._shown: list[tuple[str, str]] = []

    def add(self, label: str, text: object) -> None:
        self._parts.append((label, str(text)))

    def add_shown(self, label: str, text: object) -> None:
        """Add what is printed or logged without anybody's doing, where personal data have no place either."""
        self.add(label, text)
        self._shown.append((label, str(text)))

    def add_error(self, label: str, error: BaseException) -> None:
        """All that a logger could make of `error`, its chain and the variables of its frames."""
        seen: list[BaseException] = []
        todo: list[BaseException | None] = [error]
        while todo:
            if (one := todo.pop()) is None or one in seen:
                continue
            seen.append(one)
            todo += [one.__cause__, one.__context__]
            self.add_shown(label, f"{one!r} {one} {one.args!r}")
            self.add_shown(label, "".join(traceback.format_exception(one, chain=False)))
            if isinstance(one, psycopg.Error):
                self.add_shown(label, (one.diag.message_detail, one.diag.context, one.diag.internal_query))
            self.add(label, vars(one))
            if isinstance(one, ValidationError):
                self.add(label, one.errors())
            try:
                self.add(label, pickle.dumps(one).decode("latin-1"))
            except (TypeError, AttributeError, pickle.PicklingError) as refusal:
                self.add(label, refusal)
            frames = traceback.StackSummary.extract(traceback.walk_tb(one.__traceback__), capture_locals=True)
            for frame in frames:
                if not any(part in frame.filename for part in ("/tests/", "/metacore/testing/")):
                    self.add(f"{label}: {frame.filename}:{frame.lineno}", frame.locals)

    def leaks(self) -> list[str]:
        """Where canaries were found."""
        searches = [(self._parts, self._canary.forms()), (self._shown, self._canary.personal_forms())]
        return sorted(
            {
                f"{name} in {label}"
                for parts, forms in searches
                for name, form in forms
                for label, text in parts
                if form in text
            }
        )

    def text(self, label_ends: str) -> str:
        """What was added under labels that end so."""
        return "".join(text for label, text in self._parts if label.endswith(label_ends))

    def fail(
        self,
        label: str,
        call: Callable[[], object],
        kinds: type[Exception] | tuple[type[Exception], ...] = MetacoreError,
    ) -> None:
        """Call what has to fail, and keep the evidence."""
        if not self.try_out(label, call, kinds):
            pytest.fail(f"{label} did not fail")

    def try_out(
        self,
        label: str,
        call: Callable[[], object],
        kinds: type[Exception] | tuple[type[Exception], ...] = MetacoreError,
    ) -> bool:
        """Call what may fail, and keep the evidence; whether it did."""
        try:
            call()
        except kinds as error:
            self.add_error(label, error)
            return True
        return False


@pytest.fixture(scope="session")
def canary() -> Canary:
    return Canary()


@pytest.fixture
def found(canary: Canary) -> Evidence:
    """Evidence that may hold canaries."""
    return Evidence(canary)


@pytest.fixture
def evidence(canary: Canary, capfd: pytest.CaptureFixture[str]) -> Iterator[Evidence]:
    """Collects what is printed and logged, at level DEBUG, and fails the test if a canary is in it."""
    collected, stream = Evidence(canary), io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield collected
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    collected.add_shown("log", stream.getvalue())
    for name, text in zip(("stdout", "stderr"), capfd.readouterr(), strict=True):
        collected.add_shown(name, text)
    assert collected.leaks() == [], "\n".join(collected.leaks())


@contextmanager
def server_with_password(directory: Path) -> Iterator[EmbeddedPostgres]:
    """A server that asks the role of services for its password, and logs all that the role does, with parameters."""
    with EmbeddedPostgres(directory) as server:
        with psycopg.connect(server.url, autocommit=True) as admin:
            verifier = admin.pgconn.encrypt_password(Canary.password.encode(), ROLE.encode(), b"scram-sha-256").decode()
            admin.execute(f"CREATE ROLE {ROLE} LOGIN PASSWORD '{verifier}'")
            for setting in (
                "log_statement = 'all'",
                "log_min_messages = 'debug2'",
                "log_min_error_statement = 'debug5'",
                "log_error_verbosity = 'verbose'",
                "log_parameter_max_length = -1",
                "log_parameter_max_length_on_error = -1",
            ):
                admin.execute(f"ALTER ROLE {ROLE} SET {setting}")
            SchemaDeployer(server.url).deploy(ROLE, may_delete=True)
            hba = server.data_directory / "pg_hba.conf"
            hba.write_text(f"local all {ROLE} scram-sha-256\n" + hba.read_text())
            admin.execute("SELECT pg_reload_conf()")
        until = time.monotonic() + PATIENCE
        while lets_in_without_password(server):
            assert time.monotonic() < until
            time.sleep(0.01)
        yield server


def lets_in_without_password(server: EmbeddedPostgres) -> bool:
    """Whether the server has not read yet that the role is to be asked."""
    try:
        psycopg.connect(server.url, user=ROLE, passfile="none").close()
    except psycopg.OperationalError:
        return False
    return True


@pytest.fixture(scope="session")
def start_server() -> Callable[[Path], Any]:
    return server_with_password


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    with server_with_password(tmp_path_factory.mktemp("secrets") / "data") as server:
        yield server


@pytest.fixture
def admin(server: EmbeddedPostgres) -> Iterator[psycopg.Connection]:
    with psycopg.connect(server.url, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="package", params=[BlockingRunner, AsyncRunner], ids=["blocking", "async"])
def runner(request: pytest.FixtureRequest) -> Iterator[Runner]:
    runner = request.param()
    yield runner
    runner.close()


@pytest.fixture
def connect(runner: Runner) -> Callable[..., Any]:
    """`connect` of the runner."""
    return metacore.connect if runner.package == "metacore" else metacore.sync.connect


@pytest.fixture
def pool_timeout():
    """Seconds that an operation waits for a connection."""
    return 0.2


@pytest.fixture
def storage(runner, connect, server, canary, evidence, pool_timeout):
    settings = Settings(encryption_keys=canary.keys, pool_timeout=pool_timeout, lock_timeout=0.01, pool_max_size=2)
    with runner.opened(connect(canary.url(server), settings=settings)) as storage:
        yield storage
        evidence.add_shown("stats", storage.stats())
        evidence.add_shown("storage", repr(storage))
