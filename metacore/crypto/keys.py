"""The encryption keys of a storage: a ring, or whatever gives one."""

from __future__ import annotations

import logging
import time

from metacore._compat.aio import in_thread
from metacore._compat.flights_aio import SingleFlight
from metacore.crypto.ring import SETTING, KeyRing, KeySource, no_keys, parse_keys
from metacore.errors import ConfigurationError, bare

MIN_AGE = 1
"""After how many seconds a callable is asked again for a key that its ring lacks."""

_logger = logging.getLogger(__name__)


class Keys:
    """Where operations on credentials get the key ring.

    A callable is called in a thread of its own by the first operation that needs keys, and again once its ring is
    `max_age` seconds old, or lacks a key that something is encrypted under. If it fails then, the ring that it
    gave last stays in use.
    """

    def __init__(self, source: KeyRing | KeySource | None, max_age: float) -> None:
        self._source = source
        self._max_age = max_age
        self._ring: KeyRing | None = None
        self._asked_at = 0.0
        self._flights: SingleFlight[str, KeyRing] = SingleFlight()

    @property
    def configured(self) -> bool:
        """Whether there are keys, or a callable to give them."""
        return self._source is not None

    async def ring(self, key_id: str | None = None) -> KeyRing:
        """The ring, with the key `key_id` if the source has it. ConfigurationError if there are no keys."""
        if isinstance(self._source, KeyRing):
            return self._source
        ring = self._ring
        if ring is not None:
            has_it = key_id is None or key_id in ring
            if time.monotonic() - self._asked_at < (self._max_age if has_it else min(self._max_age, MIN_AGE)):
                return ring
        return await self._flights.run("ring", self._ask)

    async def _ask(self) -> KeyRing:
        source = self._source
        if source is None or isinstance(source, KeyRing):
            raise no_keys()
        self._asked_at = time.monotonic()
        try:
            ring = parse_keys(await in_thread(source))
            if not isinstance(ring, KeyRing):
                raise ConfigurationError("the callable gave no key ring", setting=SETTING)
        except Exception as error:  # noqa: BLE001 - it is raised, or logged, below
            failure = bare(error)
        else:
            self._ring = ring
            return ring
        if self._ring is None:
            raise ConfigurationError(
                f"the callable that gives the encryption keys failed with {type(failure).__name__}",
                setting=SETTING,
            ) from failure
        _logger.warning("No new encryption keys, going on with %r: %s", self._ring, type(failure).__name__)
        return self._ring
