"""The contract of names in their normal form."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from metacore.domain.people.users import UserPatch
from metacore.domain.trading.decisions import Changes
from metacore.errors import AlreadyExistsError, InvalidDataError, NotFoundError
from metacore.testing.cases import each_case
from metacore.testing.contract.base import Contract, Opening
from metacore.testing.factories import NewUserFactory

ALIKE = {
    "upper case": ("alice", "ALICE"),
    "full width": ("alice", "\uff41\uff4c\uff49\uff43\uff45"),
    "a combining mark": ("\u00e5sa", "a\u030asa"),
    "an ohm sign": ("\u03c9", "\u2126"),
}
"""What looks alike: the normal form, and another."""

NO_NAMES = ("bob smith", "a\u200db", "\ufb01nn", "\u2167", "\u05d0abc", "a\u202eb")


class NormalNameContract(Contract):
    """Of `metacore.storage.users.UserStorage`, with the setting `normalize_names`."""

    @each_case("names", ALIKE)
    def test_names_that_look_alike_are_one(self, open_storage: Opening, names: tuple[str, str]) -> None:
        storage = open_storage(normalize_names=True)
        normal, other = names
        user = storage.users.create(NewUserFactory.build(username=other, email=f"{other}@{other}.example"))
        assert (user.username, user.email) == (normal, f"{normal}@{normal}.example")
        for name in names:
            assert storage.users.get_by_username(name) == user
            assert storage.users.get_by_email(f"{name}@{name}.example") == user
            assert storage.users.get_by_email(exchange="MEXC", email=f"{name}@{name}.example") == user
            with pytest.raises(AlreadyExistsError) as caught:
                storage.users.create(NewUserFactory.build(username=name))
            assert caught.value.field == "username"
            with pytest.raises(AlreadyExistsError) as caught:
                storage.users.create(NewUserFactory.build(email=f"{name}@{name}.example"))
            assert caught.value.field == "email"
        storage.users.delete(user.id)

    def test_a_change_of_name_is_normal_too(self, open_storage: Opening) -> None:
        storage = open_storage(normalize_names=True)
        user = storage.users.create(NewUserFactory.build(username="bob"))
        with storage.transaction() as tx:
            user = tx.users.update(user.id, UserPatch(username="ALICE", can_trade=False))
        assert (user.username, user.can_trade) == ("alice", False)
        assert storage.users.update(user.id, patch=UserPatch(email="Alice@EXAMPLE.com")).email == "alice@example.com"
        assert storage.users.get_by_username("Alice").username == "alice"
        assert storage.users.update(user.id, UserPatch(username=None)).username is None
        with pytest.raises(NotFoundError):
            storage.users.get_by_username("Alice")

    def test_a_name_in_a_decision_is_normal_too(self, open_storage: Opening) -> None:
        storage = open_storage(normalize_names=True)
        user = storage.users.create(NewUserFactory.build(username="bob"))
        with storage.transaction() as tx:
            tx.save(Changes(user_patches={user.id: UserPatch(username="ALICE", can_trade=False)}))
        assert storage.users.get_by_username("Alice").username == "alice"
        with storage.transaction() as tx, pytest.raises(InvalidDataError) as caught:
            tx.save(Changes(user_patches={user.id: UserPatch(username="b b")}))
        assert caught.value.field == "username"

    def test_a_domain_in_ascii_is_the_one_that_it_stands_for(self, open_storage: Opening) -> None:
        storage = open_storage(normalize_names=True)
        user = storage.users.create(NewUserFactory.build(email="a@xn--mnchen-3ya.example"))
        assert user.email == "a@münchen.example"
        assert storage.users.get_by_email("A@MÜNCHEN.example") == user

    @each_case("name", NO_NAMES)
    def test_what_has_no_normal_form_is_refused_and_not_shown(self, open_storage: Opening, name: str) -> None:
        storage = open_storage(normalize_names=True)
        user = storage.users.create(NewUserFactory.build())
        before = storage.users.list().items
        wrong = [("username", name), ("email", f"{name}@example.com"), ("email", f"bob@{name}")]
        calls: list[Callable[[str, str], object]] = [
            lambda field, text: storage.users.create(NewUserFactory.build(**{field: text})),
            lambda field, text: storage.users.update(user.id, UserPatch.model_validate({field: text})),
            lambda field, text: getattr(storage.users, f"get_by_{field}")(text),
        ]
        for field, text in wrong:
            for call in calls:
                with pytest.raises(InvalidDataError) as caught:
                    call(field, text)
                assert caught.value.field == field
                assert text not in str(caught.value)
        assert storage.users.list().items == before

    @each_case("email", ["bob", "", "@", "@a", "a@", "a@xn--\udce4", "a@xn--9999999999"])
    def test_what_is_no_address_is_refused(self, open_storage: Opening, email: str) -> None:
        storage = open_storage(normalize_names=True)
        with pytest.raises(InvalidDataError):
            storage.users.get_by_email(email)

    def test_without_the_setting_names_are_compared_letter_by_letter(self, open_storage: Opening) -> None:
        storage = open_storage()
        users = [storage.users.create(NewUserFactory.build(username=name)) for name in ("alice", "ALICE", "a b")]
        assert [storage.users.get_by_username(str(user.username)) for user in users] == users
