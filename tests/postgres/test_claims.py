"""What a claim does to the transaction that it is part of."""

import logging

import pytest

from metacore import Settings
from metacore.postgres import EmbeddedPostgres, SchemaDeployer
from metacore.sync import connect

NOT_AWAITED = "SET LOCAL synchronous_commit = off"


def test_a_claim_by_itself_does_not_wait_for_the_disk_and_leaves_a_transaction_of_others_alone(
    deployer: SchemaDeployer, server: EmbeddedPostgres, schema: str, caplog: pytest.LogCaptureFixture
) -> None:
    deployer.deploy()
    with connect(server.url, settings=Settings(schema=schema)) as storage, caplog.at_level(logging.DEBUG, "metacore"):
        storage.outbox.claim(["trading"])
        assert NOT_AWAITED in caplog.text
        caplog.clear()
        with storage.transaction() as transaction:
            transaction.outbox.claim(["trading"])
            assert transaction.connection.execute("SHOW synchronous_commit").fetchone() == ("on",)
        assert NOT_AWAITED not in caplog.text
