"""What may go wrong with credentials and keys themselves, on both backends."""

from urllib.parse import quote

import pytest
from pydantic import ValidationError

import metacore
import metacore.sync
from metacore.config import Settings
from metacore.crypto.ring import KeyRing
from metacore.domain.people.credentials import Credentials
from metacore.domain.values.secrets import Secret
from metacore.errors import ConfigurationError
from metacore.postgres import SchemaDeployer
from metacore.testing import factories
from metacore.testing.contract.samples import NOBODY
from metacore.testing.runners import AsyncRunner, BlockingRunner

BACKENDS = {
    "memory-async": ("memory", AsyncRunner),
    "memory-blocking": ("memory", BlockingRunner),
    "postgres-async": ("postgres", AsyncRunner),
    "postgres-blocking": ("postgres", BlockingRunner),
}
each_backend = pytest.mark.parametrize(("url", "runner"), BACKENDS.values(), ids=BACKENDS, indirect=True)


@pytest.fixture
def url(request, server, canary):
    return "memory://" if request.param == "memory" else canary.url(server)


@pytest.fixture
def keys(canary):
    """What the storage is given when it asks for its keys."""
    return {"ring": {"old": canary.old_key}}


@pytest.fixture
def users(runner, connect, url, keys, evidence):
    settings = Settings(encryption_keys=lambda: keys["ring"], encryption_keys_max_age=0)
    with runner.opened(connect(url, settings=settings)) as storage:
        yield storage.users
        evidence.add("use", storage.users.key_use())
        evidence.add("stats", storage.stats())


@pytest.fixture
def user(users, canary):
    user = users.create(factories.NewUserFactory.build())
    users.set_credentials(user.id, canary.credentials)
    yield user
    users.delete(user.id)


@each_backend
def test_setting(evidence, users, user, canary):
    other = users.create(factories.NewUserFactory.build())
    evidence.add("credentials", repr(users.credentials(user.id)))
    evidence.fail("taken", lambda: users.set_credentials(other.id, canary.credentials))
    evidence.fail("nobody", lambda: users.set_credentials(NOBODY, canary.credentials))
    mapping = {"api_key": canary.api_key, "api_secret": canary.api_secret}
    evidence.fail("mapping", lambda: users.set_credentials(user.id, mapping))
    evidence.fail("text", lambda: users.set_credentials(user.id, canary.api_key))


@each_backend
def test_looking_up(evidence, users, user, canary):
    users.set_credentials(user.id, None)
    text = canary.api_key
    for api_key in (text, Secret(text), f"{text}\0", f"{text}\ud800", text * 1000, text.encode()):
        evidence.fail("look-up", lambda api_key=api_key: users.get_by_api_key(api_key))


@each_backend
def test_reading_without_the_right_key(evidence, users, user, keys, canary):
    for ring in ({"new": canary.key}, {"old": canary.key}):
        keys["ring"] = ring
        evidence.fail("reading", lambda: users.credentials(user.id))
        evidence.add("rotation", users.rotate_keys(dry_run=True))


def test_keys_that_are_none(evidence, runner, connect, keys, canary):
    for ring in (
        {"old": canary.old_key[:-1]},
        {canary.old_key: canary.old_key},
        {"old": canary.old_key.hex()},
        f"old{canary.keys}",
        f"{canary.keys},{canary.keys}",
        canary.keys.replace(":", ""),
        canary.keys.encode(),
        None,
    ):
        settings = Settings(encryption_keys=lambda ring=ring: ring)
        with runner.opened(connect("memory://", settings=settings)) as storage:
            evidence.fail("keys", lambda storage=storage: storage.users.credentials(NOBODY))
            evidence.fail("keys", lambda storage=storage: storage.users.get_by_api_key(canary.api_key))


@pytest.mark.parametrize(
    "make",
    [
        lambda c: Credentials(api_key=c.api_key),
        lambda c: Credentials(api_key=c.api_key, api_secret=c.api_secret * 1000, passphrase=c.passphrase),
        lambda c: Credentials(api_key=c.api_key + "\ud800", api_secret=c.api_secret + "\0"),
        lambda c: Credentials(api_key=c.api_key, api_secret=c.api_secret, pass_phrase=c.passphrase),
        lambda c: Credentials.model_validate({"api_key": c.api_key, "secret": c.api_secret}),
        lambda c: Credentials.model_validate_json(f'{{"api_key": "{c.api_key}", "secret": "{c.api_secret}'),
        lambda c: c.credentials.model_copy(update={"api_key": c.api_key + "\0"}),
        lambda c: Settings(encryption_keys=c.keys + "!"),
        lambda c: Settings(encryption_keys={"k 1": c.key}),
        lambda c: Settings(encryption_keys=c.keys.encode()),
        lambda c: Settings(encryption_keys=c.keys, pool_timeout=-1),
        lambda c: Settings(encryption_keys=c.keys, nonsense=1),
        lambda c: KeyRing.parse(c.keys + ","),
        lambda c: KeyRing.parse(c.keys + "!"),
        lambda c: KeyRing({"k1": c.key, "k2": c.key}),
    ],
)
def test_models_that_cannot_be_made(evidence, canary, make):
    evidence.fail("model", lambda: make(canary), (ValidationError, ConfigurationError))


def test_settings_of_the_environment(evidence, canary, monkeypatch):
    monkeypatch.setenv("METACORE_ENCRYPTION_KEYS", canary.keys)
    evidence.add("settings", f"{Settings()!r} {Settings().model_dump()} {Settings().model_dump_json()}")
    url = f"postgresql://service:{quote(canary.password, safe='')}@localhost/exchange"
    makers = (lambda _: Settings(), metacore.connect, metacore.sync.connect, SchemaDeployer)
    monkeypatch.setenv("METACORE_POOL_TIMEOUT", "soon")
    for make in makers:
        evidence.fail("settings", lambda make=make: make(url), ConfigurationError)
    monkeypatch.setenv("METACORE_ENCRYPTION_KEYS", canary.keys[:-5])
    for make in makers:
        evidence.fail("settings", lambda make=make: make(url), ConfigurationError)
