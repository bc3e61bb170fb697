"""A store of objects: S3, or a directory in its place."""

from __future__ import annotations

from datetime import timedelta

from obstore.store import LocalStore, ObjectStore, S3Store

_CONNECTS_WITHIN, _ANSWERS_WITHIN = timedelta(seconds=2), timedelta(seconds=10)
_RETRIES = 2


def store_at(url: str) -> ObjectStore:
    """The store that a URL names: `s3://bucket`, whose keys and region are in the variables AWS_..., or `file:///...`."""
    if url.startswith("file:"):
        return LocalStore.from_url(url)
    return S3Store.from_url(
        url,
        client_options={"connect_timeout": _CONNECTS_WITHIN, "timeout": _ANSWERS_WITHIN},
        retry_config={"max_retries": _RETRIES},
    )
