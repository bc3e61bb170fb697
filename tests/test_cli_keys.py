"""`metacore rotate-keys`, and what `metacore check` says of keys."""

import base64
import re

import pytest
from typer.testing import CliRunner

from metacore.cli.app import app
from metacore.config import Settings
from metacore.domain.people.credentials import Credentials
from metacore.postgres import EmbeddedPostgres, SchemaDeployer
from metacore.sync import KeyRotation, connect
from metacore.testing import factories

DONE, NOT_AS_NEEDED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130
OLD, NEW, LOST = (f"{name}:{base64.b64encode(name.encode() * 8).decode()}" for name in ("old1", "new1", "lost"))
NOTHING = {
    "Outdated at the start": 0,
    "Changed by others meanwhile": 0,
    "Cannot be decrypted": 0,
    "Outdated now": 0,
}
COUNTED = re.compile(rf"({'|'.join([*NOTHING, 'Encrypted anew', 'Could be encrypted anew'])}) +(\d+)")


@pytest.fixture(scope="module")
def server():
    with EmbeddedPostgres() as server:
        SchemaDeployer(server.url).deploy()
        yield server


@pytest.fixture
def url(server):
    with connect(server.url) as storage:
        for user in storage.users.list().items:
            storage.users.delete(user.id)
    return server.url


def fill(url, keys, count):
    """Users with credentials under the first of `keys`."""
    with connect(url, settings=Settings(encryption_keys=keys)) as storage:
        for _ in range(count):
            user = storage.users.create(factories.NewUserFactory.build())
            storage.users.set_credentials(user.id, Credentials(api_key=user.id.hex, api_secret="secret"))


def run(url, command, *arguments, keys=None, expected=DONE):
    """What the command printed, after it exited with the code that is expected."""
    environment = {"COLUMNS": "120", "METACORE_URL": url, "METACORE_ENCRYPTION_KEYS": keys}
    result = CliRunner().invoke(app, [command, *arguments], env=environment)
    assert result.exit_code == expected, result.output
    return result.output


def counts(output):
    return {name: int(number) for name, number in COUNTED.findall(output)}


def key_states(output):
    return re.findall(r"^ +(\w+) +(\d+) +(current|to be rotated|missing|in use) *$", output, re.MULTILINE)


def test_keys_are_rotated_and_counted(url):
    fill(url, OLD, 7)
    keys = f"{NEW},{OLD}"
    assert key_states(run(url, "check", keys=keys)) == [("old1", "7", "to be rotated")]
    dry = run(url, "rotate-keys", "--dry-run", "--batch-size", "2", keys=keys)
    assert counts(dry) == {**NOTHING, "Outdated at the start": 7, "Could be encrypted anew": 7, "Outdated now": 7}
    assert "Nothing was written" in dry
    assert key_states(run(url, "check", keys=keys)) == [("old1", "7", "to be rotated")]
    done = run(url, "rotate-keys", "--batch-size", "2", keys=keys)
    assert counts(done) == {**NOTHING, "Outdated at the start": 7, "Encrypted anew": 7}
    assert "7/7" in done
    assert key_states(run(url, "check", keys=NEW)) == [("new1", "7", "current")]
    assert counts(run(url, "rotate-keys", keys=keys)) == {**NOTHING, "Encrypted anew": 0}


def test_a_key_that_is_missing_is_named(url):
    fill(url, LOST, 2)
    fill(url, OLD, 1)
    keys = f"{NEW},{OLD}"
    checked = run(url, "check", keys=keys, expected=NOT_AS_NEEDED)
    assert key_states(checked) == [("lost", "2", "missing"), ("old1", "1", "to be rotated")]
    assert "Missing from METACORE_ENCRYPTION_KEYS: lost" in checked
    rotated = run(url, "rotate-keys", keys=keys, expected=NOT_AS_NEEDED)
    assert counts(rotated) == {
        **NOTHING,
        "Outdated at the start": 3,
        "Encrypted anew": 1,
        "Cannot be decrypted": 2,
        "Outdated now": 2,
    }
    assert rotated.count("are encrypted under the key 'lost', which is missing") == 2
    run(url, "rotate-keys", "--dry-run", keys=keys, expected=NOT_AS_NEEDED)
    run(url, "rotate-keys", keys=f"{keys},{LOST}")
    assert key_states(run(url, "check", keys=NEW)) == [("new1", "3", "current")]


def test_without_keys_check_shows_those_in_use_and_rotation_is_refused(url):
    assert key_states(run(url, "check")) == []
    fill(url, OLD, 1)
    assert key_states(run(url, "check")) == [("old1", "1", "in use")]
    assert "METACORE_ENCRYPTION_KEYS" in run(url, "rotate-keys", expected=WRONG_USAGE)
    assert "entry 1" in run(url, "rotate-keys", keys="nonsense", expected=WRONG_USAGE)


def test_broken_off_it_says_how_to_go_on(url, mocker):
    fill(url, OLD, 1)
    mocker.patch.object(KeyRotation, "run", side_effect=KeyboardInterrupt)
    assert "run the command again" in run(url, "rotate-keys", keys=f"{NEW},{OLD}", expected=INTERRUPTED)


@pytest.mark.parametrize("size", ["0", "1001", "many"])
def test_a_batch_has_1_to_1000_users(url, size):
    run(url, "rotate-keys", "--batch-size", size, keys=NEW, expected=WRONG_USAGE)
