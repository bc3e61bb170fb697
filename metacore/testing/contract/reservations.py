"""The contract of the storage of reservations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from functools import partial
from itertools import pairwise
from typing import Any

import pytest

from metacore.domain.people.users import User
from metacore.domain.trading.decisions import Changes, Selection
from metacore.domain.trading.reservations import Reservation, ReservationState
from metacore.domain.values.pages import Page
from metacore.errors import AlreadyExistsError, InvalidDataError, NotFoundError, StaleVersionError
from metacore.sync.storage.reservations import ReservationStorage
from metacore.sync.storage.storage import Storage
from metacore.testing.clock import START
from metacore.testing.contract.base import Contract
from metacore.testing.contract.samples import EDGE_AMOUNTS, HOSTILE_TEXTS, NOBODY
from metacore.testing.factories import NewReservationFactory

OPERATIONS: dict[str, Callable[[ReservationStorage], object]] = {
    "get": lambda reservations: reservations.get(NOBODY, NOBODY),
    "get_by_reference": lambda reservations: reservations.get_by_reference(NOBODY, "USDT", "nothing"),
    "list": lambda reservations: reservations.list(NOBODY),
    "stream": lambda reservations: list(reservations.stream(NOBODY)),
    "list_due": lambda reservations: reservations.list_due(START),
}
"""Every operation, on what does not exist."""

PENDING, POSTED, VOIDED = ReservationState.PENDING, ReservationState.POSTED, ReservationState.VOIDED


def stored(storage: Storage, user: User, **values: Any) -> Reservation:
    """A reservation saved as it is, without a hold."""
    made = Reservation.created(NewReservationFactory.build(user_id=user.id), START).changed(**values)
    save(storage, made)
    return made


def save(storage: Storage, *rows: Reservation) -> None:
    storage.run(lambda tx: tx.save(Changes(reservations=rows)))


class ReservationStorageContract(Contract):
    """Of `metacore.storage.reservations.ReservationStorage`, and of saving and loading reservations."""

    def test_what_is_stored_comes_back_equal(self, storage: Storage, user: User) -> None:
        texts = zip(HOSTILE_TEXTS, (EDGE_AMOUNTS * 2), strict=False)
        rows = [{"asset": text, "reference": text, "amount": n, "held_amount": n} for text, n in texts]
        rows.append({"state": POSTED, "held_amount": 0, "posted_amount": 1, "posted_to": NOBODY, "resolved_at": START})
        for values in rows:
            made = stored(storage, user, expires_at=START + timedelta(microseconds=1), **values)
            assert storage.reservations.get(*made.key) == made
            assert storage.reservations.get_by_reference(*made.named) == made

    def test_what_is_not_there_is_not_found(self, storage: Storage, user: User, other: User) -> None:
        made = stored(storage, user)
        _, asset, reference = made.named
        with pytest.raises(NotFoundError) as caught:
            storage.reservations.get(other.id, made.id)
        assert (caught.value.entity, caught.value.key) == ("reservation", (other.id, made.id))
        for named in ((other.id, asset, reference), (user.id, "BTC", reference), (user.id, asset, "other")):
            with pytest.raises(NotFoundError) as caught:
                storage.reservations.get_by_reference(*named)
            assert (caught.value.entity, caught.value.key) == ("reservation", named)

    def test_ids_and_references_are_unique_and_versions_are_checked(
        self, storage: Storage, user: User, other: User
    ) -> None:
        made = stored(storage, user)
        for values, field in (({"id": made.id}, "id"), ({"reference": made.reference}, "reference")):
            with pytest.raises(AlreadyExistsError) as caught:
                stored(storage, user, **values)
            assert (caught.value.entity, caught.value.field) == ("reservation", field)
        stored(storage, other, id=made.id, reference=made.reference)
        stored(storage, user, asset="BTC", reference=made.reference)
        later = made.changed(version=3, state=VOIDED, held_amount=0, resolved_at=START)
        with pytest.raises(StaleVersionError):
            save(storage, later)
        for row in (later.changed(id=NOBODY), later.changed(user_id=NOBODY, version=1)):
            with pytest.raises(NotFoundError):
                save(storage, row)
        assert storage.reservations.get(*made.key) == made
        after = later.changed(version=2)
        save(storage, after)
        assert storage.reservations.get(*made.key) == after

    def test_they_are_loaded_by_id_by_reference_and_by_what_they_hold(
        self, storage: Storage, user: User, other: User
    ) -> None:
        named, referenced, holding, of_other = (stored(storage, each) for each in (user, user, user, other))
        done = stored(storage, user, state=VOIDED, held_amount=0, resolved_at=START)
        keys, references = (named.key, named.key, (NOBODY, named.id)), (referenced.named, named.named)
        users = frozenset({user.id})

        def loaded(**selected: Any) -> tuple[Reservation, ...]:
            return storage.run(lambda tx: tx.load(Selection(**selected))).reservations

        assert loaded(reservations=keys, reservation_references=references) == by_key(named, referenced)
        assert loaded(users=users, holding=True) == by_key(named, referenced, holding)
        assert loaded(users=users, holding=True, reservations=(done.key, of_other.key)) == by_key(
            named, referenced, holding, done, of_other
        )
        assert loaded(users=users) == ()

    def test_lists_are_newest_first_and_paged(self, storage: Storage, user: User, other: User) -> None:
        stored(storage, other)
        resolved = {"state": VOIDED, "held_amount": 0, "resolved_at": START}
        made = [
            stored(storage, user, created_at=START + timedelta(seconds=n // 2), **({} if n % 3 else resolved))
            for n in range(7)
        ]
        newest = sorted(made, key=Reservation.place, reverse=True)
        for state in (None, PENDING, VOIDED, POSTED):
            expected = [row for row in newest if state in (None, row.state)]
            assert list(walk(partial(storage.reservations.list, user.id, state))) == expected
            assert list(storage.reservations.stream(user.id, state)) == expected
        after = storage.reservations.list(user.id, limit=1).next
        others: list[Callable[[], object]] = [
            lambda: storage.reservations.list(user.id, PENDING, after),
            lambda: storage.reservations.list(other.id, None, after),
            lambda: storage.reservations.list_due(START, after),
        ]
        for call in others:
            with pytest.raises(InvalidDataError) as caught:
                call()
            assert caught.value.field == "after"

    def test_those_that_are_due_are_listed_over_all_users(self, storage: Storage, user: User, other: User) -> None:
        made = [
            stored(storage, (user, other)[n % 2], expires_at=START + timedelta(seconds=n // 3), **values)
            for n, values in enumerate([{}] * 8 + [{"state": VOIDED, "held_amount": 0, "resolved_at": START}])
        ]
        stored(storage, user)
        due = sorted(made[:6], key=Reservation.turn)
        assert list(walk(partial(storage.reservations.list_due, START + timedelta(seconds=1)))) == due
        assert all(one.turn() < next_one.turn() for one, next_one in pairwise(due))
        assert storage.reservations.list_due(START - timedelta(microseconds=1)).items == ()

    def test_they_go_with_their_user(self, storage: Storage, user: User, other: User) -> None:
        gone, stays = stored(storage, user, held_amount=Decimal(0)), stored(storage, other, posted_to=None)
        storage.users.delete(user.id)
        with pytest.raises(NotFoundError):
            storage.reservations.get(*gone.key)
        assert storage.reservations.list_due(START + timedelta(days=9)).items == ()
        assert storage.reservations.get(*stays.key) == stays


def by_key(*rows: Reservation) -> tuple[Reservation, ...]:
    return tuple(sorted(rows, key=lambda row: row.key))


def walk(read: Callable[..., Page[Reservation]]) -> Iterator[Reservation]:
    after = None
    while True:
        page = read(after=after, limit=2)
        yield from page.items
        if (after := page.next) is None:
            return
