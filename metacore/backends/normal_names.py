"""Names in one normal form, so that names which look alike are one name: an option of `Settings`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from metacore.domain.people.users import NewUser, UserPatch
from metacore.domain.trading.decisions import Changes
from metacore.errors import ConfigurationError, InvalidDataError

Named = TypeVar("Named", NewUser, UserPatch)
Normalize = Callable[[str], str]

_PROFILE = "UsernameCaseMapped"
_TRIES = 4
"""How often the rule is applied until nothing changes, as RFC 8264, section 7, asks for."""


class NormalNames:
    """Puts usernames and e-mail addresses into the form of RFC 8265, UsernameCaseMapped: lower case, NFC, ordinary
    width; InvalidDataError for a name that the profile does not allow, such as one with spaces, with invisible
    characters or with ligatures. Of an address, the parts before and after the last @ are names of their own.
    """

    def __init__(self) -> None:
        try:
            from precis_i18n import get_profile
        except ImportError:
            raise ConfigurationError(
                'normal names need a library: pip install "metacore[names]"', setting="normalize_names"
            ) from None
        self._enforce: Normalize = get_profile(_PROFILE).enforce

    def username(self, text: Any) -> Any:
        """The normal form of a username; what is no text comes back, for the operation to refuse."""
        return self._normal(text, "username") if isinstance(text, str) else text

    def email(self, text: Any) -> Any:
        """The normal form of an e-mail address; what is no text comes back, for the operation to refuse."""
        if not isinstance(text, str):
            return text
        local, at, domain = text.rpartition("@")
        if not at:
            raise InvalidDataError("an e-mail address has a part before and a part after its @", field="email")
        return f"{self._normal(local, 'email')}@{self._normal(_unicode_domain(domain), 'email')}"

    def of(self, named: Named) -> Named:
        """The user, or the patch, with its names in their normal form."""
        before = {"username": named.username, "email": named.email}
        after = {"username": self.username(named.username), "email": self.email(named.email)}
        return named.changed(**{field: name for field, name in after.items() if name != before[field]})

    def of_changes(self, changes: Changes) -> Changes:
        """The changes, with the names that they give to users in their normal form."""
        patches = {user_id: self.of(patch) for user_id, patch in changes.user_patches.items()}
        return replace(changes, user_patches=patches) if patches else changes

    def _normal(self, text: str, field: str) -> str:
        for _ in range(_TRIES):
            try:
                text, before = self._enforce(text), text
            except UnicodeEncodeError as error:
                reason = error.reason
                break
            if text == before:
                return text
        else:
            reason = "no normal form"
        raise InvalidDataError(f"names are normalized, and RFC 8265 does not allow this one: {reason}", field=field)


def _unicode_domain(domain: str) -> str:
    """`domain` with labels such as `xn--mnchen-3ya` in the characters that they stand for."""
    try:
        return ".".join(
            label[4:].encode().decode("punycode") if label[:4].lower() == "xn--" else label
            for label in domain.split(".")
        )
    except UnicodeError:
        raise InvalidDataError("the domain of an e-mail address has a label that says no text", field="email") from None
