"""Users, patches and sessions, drawn."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from metacore.domain.people.sessions import NewSession
from metacore.domain.people.users import KycStatus, NewUser, UserPatch

from .values import maybe, mostly, times, users

new_users = st.builds(
    NewUser,
    id=users,
    exchange=st.sampled_from(["MEXC", "MEXC", "OTHER"]),
    uid=maybe(st.sampled_from(["1", "2"])),
    username=maybe(st.sampled_from(["alice", "bob", "ALICE"])),
    email=maybe(st.sampled_from(["a@example.com", "A@example.com"])),
    telegram_id=maybe(st.sampled_from([1, 2**63 - 1])),
    kyc_status=st.sampled_from(KycStatus),
)

_PATCHES: dict[str, st.SearchStrategy[Any]] = {
    "uid": maybe(st.sampled_from(["1", "2"])),
    "username": maybe(st.sampled_from(["alice", "bob", "ALICE"])),
    "email": maybe(st.sampled_from(["a@example.com", "A@example.com"])),
    "exchange": st.sampled_from(["MEXC", "OTHER"]),
    "is_active": st.booleans(),
    "permissions": st.sampled_from([(), ("SPOT",), ("{,}", "NULL", 'a"b\\')]),
}

patches = st.lists(st.sampled_from(list(_PATCHES)), unique=True, max_size=3).flatmap(
    lambda names: st.fixed_dictionaries({name: _PATCHES[name] for name in names}).map(
        lambda fields: UserPatch(**fields)
    )
)

password_hashes = st.sampled_from(["hash", "other hash", "\\"])

session_ids = st.integers(1, 2).map(lambda n: UUID(int=n))

digests = st.integers(1, 3).map(lambda n: bytes([n]) * 32)

graces = st.sampled_from([timedelta(0), timedelta(seconds=10), timedelta(hours=1), timedelta(hours=2)])

new_sessions = st.builds(
    NewSession,
    user_id=users,
    id=session_ids,
    token_hash=digests,
    label=maybe(st.just("a 'label'")),
    idle_until=times,
    expires_at=times.map(lambda moment: moment + timedelta(hours=4)),
)

flags = st.builds(UserPatch, is_active=mostly(st.just(True), st.just(False)), can_trade=st.just(True)) | st.builds(
    UserPatch, can_trade=st.booleans(), can_withdraw=st.booleans()
)
