"""What the server stores and logs."""

import subprocess

import psycopg
import pytest

from metacore.config import Settings
from metacore.errors import AlreadyExistsError
from metacore.sync import SessionService, connect
from metacore.testing import factories


def test_no_dump_file_or_log_of_the_server_holds_a_secret(tmp_path, start_server, canary, found):
    directory = tmp_path / "data"
    keys = {"ring": {"old": canary.old_key}}
    with start_server(directory) as server:
        settings = Settings(encryption_keys=lambda: keys["ring"], encryption_keys_max_age=0)
        with connect(canary.url(server), settings=settings) as storage:
            user, other = (storage.users.create(factories.NewUserFactory.build()) for _ in range(2))
            storage.users.set_credentials(user.id, canary.credentials)
            with pytest.raises(AlreadyExistsError):
                storage.users.set_credentials(other.id, canary.credentials)
            keys["ring"] = {"new": canary.key, "old": canary.old_key}
            assert storage.users.rotate_keys().rotated == 1
            assert storage.users.get_by_api_key(canary.api_key) == user
            service = SessionService(storage)
            service.register("canary", canary.password)
            tokens = [service.log_in("canary", canary.password).token]
            tokens.append(service.refresh(tokens[0]).token)
        dump = subprocess.run([server.bin_path / "pg_dump", server.url], capture_output=True, text=True, check=True)
        assert str(user.id) in dump.stdout
        found.add("pg_dump", dump.stdout)
        with psycopg.connect(server.url) as admin:
            for table in ("pg_stat_activity", "pg_prepared_statements", "pg_authid"):
                found.add(table, admin.execute(f"SELECT * FROM pg_catalog.{table}").fetchall())
    for path in directory.rglob("*"):
        if path.is_file():
            found.add(path.name, path.read_bytes().decode("latin-1"))
    # The server logs each statement of the role with its parameters.
    assert 'INSERT INTO "metacore".user_credentials' in found.text(".log")
    assert "arameters: $1 = " in found.text(".log")
    assert found.leaks() == []
    assert [token for token in tokens if token.get_secret_value()[-43:] in found.text("")] == []
