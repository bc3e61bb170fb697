"""The contract of relays."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from metacore.domain.messages.events import Event
from metacore.errors import ConfigurationError, InvalidDataError, StorageClosedError
from metacore.sync.storage.storage import Storage
from metacore.testing.clock import ManualClock
from metacore.testing.contract.base import Backend, Contract
from metacore.testing.factories import NewEventFactory
from metacore.testing.loop_threads import PATIENCE
from metacore.testing.runners import Runner

Relays = Callable[..., Any]


class Receiver:
    """Takes events, but those that it `refuses`."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int]] = []
        self.refuses: set[tuple[str, int]] = set()

    def take(self, event: Event) -> None:
        if (event.key, event.seq) in self.refuses:
            raise ValueError(f"refused {event.seq}")
        self.seen.append((event.key, event.seq))


class SpoiltError(Exception):
    """An error that tells of itself what no backend can store."""

    def __repr__(self) -> str:
        return "a\0b\ud800"

    @classmethod
    def be_raised(cls, _: Event) -> None:
        """Raise it."""
        raise cls


class RelayContract(Contract):
    """Of `metacore.services.relay.Relay`."""

    @pytest.fixture
    def receiver(self) -> Receiver:
        return Receiver()

    @pytest.fixture
    def relay_with(self, storage: Storage, runner: Runner, receiver: Receiver) -> Relays:
        return lambda **settings: runner.service(
            "Relay", storage, topics=["trading"], send=runner.eventual(receiver.take), **settings
        )

    def test_it_tells_each_event_in_order_and_marks_it(
        self, storage: Storage, relay_with: Relays, receiver: Receiver
    ) -> None:
        storage.outbox.append(NewEventFactory.build(key=key) for key in "abaab")
        relay = relay_with(per_key=2)
        assert [relay.step() for _ in range(3)] == [4, 1, 0]
        assert receiver.seen == [("a", 1), ("a", 2), ("b", 1), ("b", 2), ("a", 3)]
        assert storage.outbox.lag("trading").events == 0

    def test_several_keys_are_sent_at_once_each_in_its_order(
        self, storage: Storage, relay_with: Relays, receiver: Receiver
    ) -> None:
        storage.outbox.append(NewEventFactory.build(key=key) for key in "abcabca")
        receiver.refuses = {("b", 2)}
        assert relay_with(at_once=2).step() == 6
        for key, seqs in {"a": [1, 2, 3], "b": [1], "c": [1, 2]}.items():
            assert [seq for sent, seq in receiver.seen if sent == key] == seqs
        assert storage.outbox.lag("trading").events == 1

    def test_an_event_that_does_not_arrive_holds_up_its_key_alone(
        self, storage: Storage, clock: ManualClock, relay_with: Relays, receiver: Receiver
    ) -> None:
        storage.outbox.append(NewEventFactory.build(key=key) for key in "aabb")
        receiver.refuses = {("a", 2)}
        relay = relay_with(backoff=timedelta(seconds=2), longest_backoff=timedelta(seconds=3))
        assert relay.step() == 3
        assert receiver.seen == [("a", 1), ("b", 1), ("b", 2)]
        for seconds in (2, 3, 3):
            clock.advance(seconds=seconds - 0.001)
            assert storage.outbox.claim(["trading"]).keys == ()
            clock.advance(seconds=0.001)
            assert relay.step() == 0
        receiver.refuses = set()
        clock.advance(seconds=3)
        assert relay.step() == 1
        assert receiver.seen[-1] == ("a", 2)

    def test_after_so_many_attempts_it_is_parked_and_its_key_goes_on(
        self, storage: Storage, clock: ManualClock, relay_with: Relays, receiver: Receiver
    ) -> None:
        storage.outbox.append(NewEventFactory.build(key="a") for _ in range(3))
        receiver.refuses = {("a", 2)}
        relay = relay_with(attempts=2)
        assert relay.step() == 1
        clock.advance(minutes=1)
        assert relay.step() == 2
        assert receiver.seen == [("a", 1), ("a", 3)]
        letter = storage.dead_letters.get("trading", "a:2")
        assert letter.error == "ValueError('refused 2')"
        assert storage.outbox.lag("trading").events == 0

    @pytest.mark.parametrize("each", [1, 0.1])
    def test_what_is_sent_slowly_is_marked_on_the_way(
        self, storage: Storage, clock: ManualClock, runner: Runner, each: float
    ) -> None:
        storage.outbox.append(NewEventFactory.build(key="a") for _ in range(9))
        send, lease = runner.eventual(lambda _: clock.advance(seconds=each)), timedelta(seconds=4 * each)
        relay = runner.service("Relay", storage, topics=["trading"], send=send, lease=lease)
        sent = relay.step()
        assert storage.outbox.lag("trading").events == 9 - sent + 1  # the last one came as the lease ran out
        while relay.step():
            clock.advance(seconds=4 * each)
        assert storage.outbox.lag("trading").events == 0

    def test_an_error_that_cannot_be_stored_is_escaped(self, storage: Storage, runner: Runner) -> None:
        storage.outbox.append([NewEventFactory.build(key="a")])
        send = runner.eventual(SpoiltError.be_raised)
        assert runner.service("Relay", storage, topics=["trading"], send=send, attempts=1).step() == 1
        assert storage.dead_letters.get("trading", "a:1").error == "a\\x00b\\ud800"

    def test_a_closed_storage_ends_it(self, backend: Backend, runner: Runner, receiver: Receiver) -> None:
        storage = runner.blocking(backend.connect()).open()
        relay = runner.service("Relay", storage, topics=["trading"], send=runner.eventual(receiver.take))
        storage.close()
        with pytest.raises(StorageClosedError):
            relay.run()

    def test_it_runs_until_it_is_stopped(
        self, storage: Storage, runner: Runner, relay_with: Relays, receiver: Receiver
    ) -> None:
        storage.outbox.append(NewEventFactory.build() for _ in range(3))
        relay = relay_with(per_key=1)

        def stop_when_sent() -> None:
            end = time.monotonic() + PATIENCE
            while len(receiver.seen) < 3 and time.monotonic() < end:
                time.sleep(0.01)
            relay.stop()

        assert runner.together(relay.run, stop_when_sent) == [None, None]
        assert receiver.seen == [("order", 1), ("order", 2), ("order", 3)]

    def test_it_looks_at_once_when_it_is_woken(
        self, storage: Storage, runner: Runner, relay_with: Relays, receiver: Receiver
    ) -> None:
        relay = relay_with(pause=timedelta(seconds=4 * PATIENCE))
        end = time.monotonic() + PATIENCE

        def append() -> None:
            time.sleep(0.1)
            storage.outbox.append([NewEventFactory.build()])
            while not receiver.seen and time.monotonic() < end:
                relay.wake()
                time.sleep(0.01)
            relay.stop()
            relay.wake()

        runner.together(relay.run, append)
        assert receiver.seen == [("order", 1)]

    def test_settings_that_cannot_be_are_refused(self, relay_with: Relays) -> None:
        for name, value in {"attempts": 0, "at_once": 0, "backoff": timedelta(0), "pause": 1}.items():
            with pytest.raises(ConfigurationError) as caught:
                relay_with(**{name: value})
            assert caught.value.setting == name
        with pytest.raises(InvalidDataError):
            relay_with(keys=0)
