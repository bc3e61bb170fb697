"""Credentials of another day, put back by who can write the tables."""

from collections.abc import Iterator
from itertools import combinations
from uuid import UUID

import psycopg
import pytest

from metacore import Credentials, DecryptionError, NewUser, NotFoundError, Settings
from metacore.sync import connect
from metacore.sync.storage.storage import Storage

OLD = Credentials(api_key="revoked", api_secret="old secret")
NEW = Credentials(api_key="in use", api_secret="new secret", passphrase="new passphrase")
TABLES = {"user_credentials": ("sealed",), "user_api_keys": ("generation", "api_key_hash")}
COLUMNS = [(table, column) for table, columns in TABLES.items() for column in columns]
READ = "SELECT {} FROM metacore.{} WHERE user_id = %s"


@pytest.fixture
def storage(metacore_database_url: str) -> Iterator[Storage]:
    settings = Settings(encryption_keys={"k1": bytes(range(32))})
    with connect(metacore_database_url, settings=settings) as opened:
        yield opened


@pytest.fixture
def admin(metacore_database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(metacore_database_url, autocommit=True) as connection:
        yield connection


def read(admin: psycopg.Connection, user_id: UUID) -> dict[tuple[str, str], object]:
    """What is stored of the user's credentials, by table and column."""
    return {
        (table, column): admin.execute(READ.format(column, table), [user_id]).fetchone()[0] for table, column in COLUMNS
    }


@pytest.mark.parametrize(("before", "after"), [(OLD, NEW), (NEW, OLD), (NEW, NEW.changed(api_secret="another"))])
def test_only_all_of_an_older_set_can_be_put_back(
    storage: Storage, admin: psycopg.Connection, before: Credentials, after: Credentials
) -> None:
    user = storage.users.create(NewUser())
    storage.users.set_credentials(user.id, before)
    older = read(admin, user.id)
    storage.users.set_credentials(user.id, after)
    newer = read(admin, user.id)
    for count in range(len(COLUMNS) + 1):
        for chosen in combinations(COLUMNS, count):
            for (table, column), value in (newer | {name: older[name] for name in chosen}).items():
                admin.execute(f"UPDATE metacore.{table} SET {column} = %s WHERE user_id = %s", [value, user.id])
            put_back = {column for _, column in chosen} & {"sealed", "generation"}
            if len(put_back) == 1:
                with pytest.raises(DecryptionError):
                    storage.users.credentials(user.id)
            else:
                assert storage.users.credentials(user.id) == (before if put_back else after)


def test_removed_credentials_cannot_be_put_back_without_their_hashes(
    storage: Storage, admin: psycopg.Connection
) -> None:
    user = storage.users.create(NewUser())
    storage.users.set_credentials(user.id, OLD)
    sealed = read(admin, user.id)["user_credentials", "sealed"]
    storage.users.set_credentials(user.id, None)
    admin.execute("INSERT INTO metacore.user_credentials VALUES (%s, 'k1', %s)", [user.id, sealed])
    with pytest.raises(DecryptionError):
        storage.users.credentials(user.id)
    with pytest.raises(NotFoundError):
        storage.users.get_by_api_key(OLD.api_key)
