"""A store of objects: what is there, what is not, and where nobody answers."""

import asyncio
from pathlib import Path

import pytest

from common.objects import Objects
from metacore import NotFoundError, StorageUnavailableError


def test_an_object_is_there_from_put_to_delete(tmp_path: Path) -> None:
    async def use() -> None:
        objects = Objects((tmp_path / "new").as_uri())
        await objects.check()
        for content in (b"one", b"two"):
            await objects.put("a/b", content)
            assert await objects.get("a/b") == content
        for _ in range(2):
            await objects.delete("a/b")
        with pytest.raises(NotFoundError):
            await objects.get("a/b")

    asyncio.run(use())


def test_a_store_that_nobody_reaches_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"ENDPOINT": "http://127.0.0.1:1", "ACCESS_KEY_ID": "x", "SECRET_ACCESS_KEY": "hush", "REGION": "x"}
    for name, value in {**settings, "ALLOW_HTTP": "true"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)

    async def use() -> None:
        objects = Objects("s3://bucket")
        for asked in (objects.put("a", b"x"), objects.get("a"), objects.delete("a"), objects.check()):
            with pytest.raises(StorageUnavailableError) as caught:
                await asked
            assert "hush" not in str(caught.value)

    asyncio.run(use())
