"""The example of a consumer: what it stores, what it parks, and that it commits only after that."""

import asyncio
import runpy
from pathlib import Path
from typing import Any

import pytest
from pytest_mock import MockerFixture

import metacore
from metacore import OrderRecordService, StorageUnavailableError

SCRIPT = Path(__file__).parents[1] / "examples" / "order_consumer.py"
MESSAGES = (SCRIPT.parent / "data" / "order_messages.jsonl").read_bytes().splitlines()
POISON = {2: "", 5: "order_uid", 6: "payment.amount", 7: "", 8: "items"}


@pytest.fixture
def example() -> dict[str, Any]:
    return runpy.run_path(str(SCRIPT))


@pytest.mark.parametrize("url", ["memory://", "embedded:"])
def test_it_tells_what_became_of_every_message(
    example: dict[str, Any], capsys: pytest.CaptureFixture[str], url: str
) -> None:
    asyncio.run(example["main"](url))
    told, _, rest = capsys.readouterr().out.partition("\n\n")
    outcomes = [line.split()[:2] for line in told.splitlines() if line.split()[0].isdigit()]
    assert [int(offset) for offset, _ in outcomes] == [0, 1, 2, 3, 4, 4, *range(5, 12)]
    assert [outcome for _, outcome in outcomes] == [
        *("CREATED", "CREATED", "parked", "UNCHANGED", "UPDATED", "UNCHANGED"),
        *("parked", "parked", "parked", "parked", "CREATED", "CREATED", "UNCHANGED"),
    ]
    orders = [line.split()[0] for line in rest.splitlines() if line.startswith("      order-")]
    assert orders == ["order-d", "order-b", "order-a", "order-c", "order-d"]


def consume(example: dict[str, Any], check: Any) -> None:
    async def run() -> None:
        async with metacore.connect("memory://") as storage:
            partition, parking = example["Partition"](example["MESSAGES"], dies_at=-1), example["Parking"]()
            await check(storage, partition, parking)

    asyncio.run(run())


def test_poison_is_parked_with_its_raw_bytes_and_does_not_stop_the_rest(example: dict[str, Any]) -> None:
    async def check(storage: metacore.Storage, partition: Any, parking: Any) -> None:
        await example["consume"](partition, OrderRecordService(storage), parking)
        assert parking.messages == [(offset, field, MESSAGES[offset]) for offset, field in POISON.items()]
        assert partition.committed == len(MESSAGES)
        assert await storage.order_records.count() == 4

    consume(example, check)


def test_what_was_not_stored_is_not_committed_and_comes_again(example: dict[str, Any], mocker: MockerFixture) -> None:
    async def check(storage: metacore.Storage, partition: Any, parking: Any) -> None:
        save = storage.order_records.save
        failing = mocker.patch.object(storage.order_records, "save", side_effect=StorageUnavailableError("gone"))
        for _ in range(3):
            with pytest.raises(StorageUnavailableError):
                await example["consume"](partition, OrderRecordService(storage), parking)
            assert partition.committed == 0
        failing.side_effect = save
        await example["consume"](partition, OrderRecordService(storage), parking)
        assert partition.committed == len(MESSAGES)
        assert await storage.order_records.count() == 4

    consume(example, check)


def test_the_same_messages_again_change_nothing_in_the_end(example: dict[str, Any]) -> None:
    async def check(storage: metacore.Storage, partition: Any, parking: Any) -> None:
        service = OrderRecordService(storage)
        await example["consume"](partition, service, parking)
        stored = (await storage.order_records.list()).items
        partition.committed = 0
        await example["consume"](partition, service, parking)
        assert (await storage.order_records.list()).items == stored

    consume(example, check)
