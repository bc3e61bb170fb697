"""Names: what a user is found by, and no other user has."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from metacore.domain.people.users import NewUser, User, UserPatch


class NameKind(StrEnum):
    """What a name is: a field of the user, or the hash of an API key. Names are taken in this order."""

    UID = "UID"
    USERNAME = "USERNAME"
    EMAIL = "EMAIL"
    TELEGRAM_ID = "TELEGRAM_ID"
    API_KEY = "API_KEY"

    @property
    def field(self) -> str:
        """The field that has it."""
        return self.lower()


Name = tuple[NameKind, str]
"""A name: its kind, and its value as text."""

FIELDS = (NameKind.UID, NameKind.USERNAME, NameKind.EMAIL, NameKind.TELEGRAM_ID)
"""The kinds that are fields of a user."""

_OF_EVERY_EXCHANGE = frozenset({NameKind.USERNAME})
_ORDER = {kind: place for place, kind in enumerate(NameKind)}
_NAMING = frozenset({"exchange", *(kind.field for kind in FIELDS)})


def user_name(kind: NameKind, value: str | int, exchange: str = "") -> Name:
    """The name that the value of a field is: at this exchange, as `MEXC/42` of a uid; a username is one at all."""
    if kind in _OF_EVERY_EXCHANGE:
        return kind, str(value)
    # Whatever is in the two texts, the first / is the one between them.
    return kind, f"{exchange.replace('%', '%25').replace('/', '%2F')}/{value}"


def api_key_name(api_key_hash: bytes) -> Name:
    """The name that the hash of an API key is."""
    return NameKind.API_KEY, api_key_hash.hex()


def name_of(user: NewUser, kind: NameKind) -> Name | None:
    """The user's name of this kind, None if it has none."""
    value = getattr(user, kind.field)
    return None if value is None else user_name(kind, value, user.exchange)


def names_of(user: NewUser) -> list[Name]:
    """The names of the user's fields, in their order."""
    return [name for kind in FIELDS if (name := name_of(user, kind)) is not None]


def renames(patch: UserPatch) -> bool:
    """Whether `patch` may change a name."""
    return not _NAMING.isdisjoint(patch.model_fields_set)


def has_name(user: User, name: Name) -> bool:
    """Whether it is a name of the user's fields."""
    return name_of(user, name[0]) == name


def exchanged(before: Iterable[Name], after: Iterable[Name]) -> tuple[list[Name], list[Name]]:
    """The names to give up, and those to take, where a user has those `before` and is to have those `after`."""
    old, new = set(before), set(after)
    return sorted(old - new, key=_place), sorted(new - old, key=_place)


def _place(name: Name) -> tuple[int, str]:
    return _ORDER[name[0]], name[1]
