"""A store of objects: S3, or a directory in its place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, S3Store

from metacore import NotFoundError, StorageUnavailableError

_CONNECTS_WITHIN, _ANSWERS_WITHIN = timedelta(seconds=2), timedelta(seconds=10)
_RETRIES = 2
_NOWHERE = "nowhere"


class Objects:
    """Bytes by keys. Where the store cannot be reached, StorageUnavailableError says so."""

    def __init__(self, url: str) -> None:
        """`s3://bucket`, whose keys, region and address are in the variables AWS_..., or `file:///directory`."""
        self._store = _store_at(url)

    async def put(self, key: str, content: bytes) -> None:
        """Store an object, in the place of any before."""
        with _reached():
            await self._store.put_async(key, content)

    async def get(self, key: str) -> bytes:
        """An object; NotFoundError if there is none."""
        with _reached():
            try:
                return bytes(await (await self._store.get_async(key)).bytes_async())
            except FileNotFoundError:
                raise NotFoundError("object", key) from None

    async def delete(self, key: str) -> None:
        """Remove an object, if there is one."""
        with _reached():
            try:
                await self._store.delete_async(key)
            except FileNotFoundError:
                return

    async def check(self) -> None:
        """Whether the store answers."""
        with _reached():
            try:
                await self._store.head_async(_NOWHERE)
            except FileNotFoundError:
                return


def _store_at(url: str) -> ObjectStore:
    if url.startswith("file:"):
        return LocalStore.from_url(url, mkdir=True)
    return S3Store.from_url(
        url,
        client_options={"connect_timeout": _CONNECTS_WITHIN, "timeout": _ANSWERS_WITHIN},
        retry_config={"max_retries": _RETRIES},
    )


@contextmanager
def _reached() -> Iterator[None]:
    try:
        yield
    except (BaseError, OSError) as error:
        raise StorageUnavailableError(f"the store of objects fails: {type(error).__name__}") from None
