"""Relays: they tell the events of the outbox to whoever is to know."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from metacore._compat.aio import Alarm, Eventual, for_each, require_own_world
from metacore.domain.messages.claims import Claim, ClaimedKey, ClaimRequest, delay_after
from metacore.domain.messages.dead_letters import legible
from metacore.domain.messages.events import Event, EventKey
from metacore.domain.values.text import require_integer
from metacore.errors import (
    ConfigurationError,
    OutcomeUnknownError,
    RetryableError,
    StatementTimeoutError,
    StorageClosedError,
    StorageUnavailableError,
)
from metacore.storage.storage import Storage

_logger = logging.getLogger(__name__)

_PASSING = (RetryableError, OutcomeUnknownError, StatementTimeoutError, StorageUnavailableError)
"""Errors after which it may go well again: what was claimed is claimed again when its lease has run out."""

MARK = timedelta(seconds=1)
"""How long what is told may stay unmarked while the rest of a claim is told; a quarter of a lease if that is less."""


class Relay:
    """Gives the events of `topics` to `send`, one after the other: each at least once, those of a key in their order.

    `send` gets an event and returns when it has arrived; whatever it raises, the event has not. Then that key waits,
    `backoff` at first and twice as long each time, up to `longest_backoff`, while others go on; after `attempts` times
    the event is parked as a dead letter, and its key goes on, too. Any number of relays may share topics, in any number
    of processes: a key is one relay's at a time, for the time of a `lease`,
    which must be longer than `send` takes. Whoever takes events drops those that have
    come before, by `inbox.accept`. It tells so many keys `at_once`: a `send` that waits
    holds up its key alone. A relay whose `send` blocks tells one after the other all the same.
    """

    def __init__(
        self,
        storage: Storage,
        topics: Iterable[str],
        send: Callable[[Event], Eventual[object]],
        *,
        keys: int = 100,
        per_key: int = 50,
        at_once: int = 1,
        lease: timedelta = timedelta(seconds=30),
        attempts: int = 10,
        backoff: timedelta = timedelta(seconds=1),
        longest_backoff: timedelta = timedelta(minutes=5),
        pause: timedelta = timedelta(milliseconds=100),
    ) -> None:
        require_own_world(storage, self)
        require_integer(attempts=attempts, at_once=at_once)
        self._request = ClaimRequest.of(topics, keys, per_key, lease)
        times = {"backoff": backoff, "longest_backoff": longest_backoff, "pause": pause}
        for name, value in times.items():
            if not isinstance(value, timedelta) or value <= timedelta():
                raise ConfigurationError("it is a timedelta above zero", setting=name)
        if attempts < 1:
            raise ConfigurationError("an event is tried once at least", setting="attempts")
        if at_once < 1:
            raise ConfigurationError("it is one key at least", setting="at_once")
        self._storage = storage
        self._send = send
        self._attempts, self._at_once = attempts, at_once
        self._mark_after = min(MARK, self._request.lease / 4)
        self._backoff, self._longest, self._pause = backoff, longest_backoff, pause
        self._is_stopped = False
        self._alarm = Alarm()

    async def run(self) -> None:
        """Tell events until `stop` is called, and look for more every `pause` while there are few: fewer than `keys`,
        or `per_key`. Where that takes long, it looks less often, and finds more at a time: it pauses for twice as long
        as the last look took, and for four times `pause` at most. `wake` ends a pause, but lets it last for twice as
        long as the last look took, or for `pause`, if that is less.

        A storage that cannot be reached is tried again and again; one that is closed is a StorageClosedError.
        """
        few = min(self._request.keys, self._request.per_key)
        while not self._is_stopped:
            began = self._storage.now()
            try:
                count = await self.step()
            except StorageClosedError:
                raise
            except _PASSING as error:
                _logger.warning("The relay of %s goes on after an error: %s", ", ".join(self._request.topics), error)
                count = 0
            if count < few and not self._is_stopped:
                twice = 2 * (self._storage.now() - began)
                least, most = min(twice, self._pause), max(self._pause, min(twice, 4 * self._pause))
                await self._alarm.wait(least.total_seconds(), most.total_seconds())

    def wake(self) -> None:
        """Have `run` look at once: something was appended. Any thread may call it."""
        self._alarm.ring()

    def stop(self) -> None:
        """Have `run` return when what is claimed is told."""
        self._is_stopped = True

    async def step(self) -> int:
        """Tell the events of one claim; how many have arrived or were parked."""
        request = self._request
        claim = await self._storage.outbox.claim(request.topics, request.keys, request.per_key, request.lease)
        progress = _Progress(claim, self._storage.now())
        await for_each(claim.keys, lambda claimed: self._tell(claimed, progress), self._at_once)
        await self._mark(progress)
        return progress.count

    async def _tell(self, claimed: ClaimedKey, progress: _Progress) -> None:
        """Tell the events of a key, up to the first that does not arrive, or as long as the lease lasts."""
        failures, key = claimed.failures, (claimed.topic, claimed.key)
        for event in claimed.events:
            now = self._storage.now()
            if now >= progress.claim.leased_until:
                return
            if now - progress.marked_at >= self._mark_after:
                await self._mark(progress)
            try:
                await self._send(event)
            except Exception as error:  # noqa: BLE001 - it is stored with the event
                await self._mark(progress)
                if not await self._give_up(event, failures, legible(repr(error)), progress):
                    return
            else:
                progress.upto[key] = event.seq
            progress.count += 1
            failures = 0

    async def _give_up(self, event: Event, failures: int, error: str, progress: _Progress) -> bool:
        """Give the key back for a while, or park the event; whether its key goes on."""
        outbox, claim_id, (topic, key) = self._storage.outbox, progress.claim.id, event.event_key
        if failures + 1 >= self._attempts:
            if is_parked := await outbox.park(claim_id, topic, key, event.seq, error):
                _logger.error("Event %d of %r in %r is parked: it could not be told", event.seq, key, topic)
            return is_parked
        at = self._storage.now() + delay_after(failures, self._backoff, self._longest)
        await outbox.retry(claim_id, topic, key, error, at)
        return False

    async def _mark(self, progress: _Progress) -> None:
        """Note what has arrived; what was lost meanwhile, another tells again."""
        upto, progress.upto = progress.upto, {}
        progress.marked_at = self._storage.now()
        if upto and (lost := await self._storage.outbox.done(progress.claim.id, upto)):
            _logger.warning("The lease of %d keys ran out before they were told; make it longer", len(lost))


class _Progress:
    """How far a claim is told, and marked."""

    def __init__(self, claim: Claim, now: datetime) -> None:
        self.claim = claim
        self.upto: dict[EventKey, int] = {}
        self.marked_at = now
        self.count = 0
