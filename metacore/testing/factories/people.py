# pyright: reportIncompatibleVariableOverride=false
# Every `class Meta` of factory-boy overrides the one before it.
"""Factories of users and what is theirs."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from factory.base import Factory
from factory.declarations import Sequence

from metacore.domain.people.sessions import NewSession
from metacore.domain.people.users import KycStatus, NewUser
from metacore.testing.clock import START


class NewUserFactory(Factory[NewUser]):
    """A user with every field filled in."""

    class Meta:
        model = NewUser

    uid = Sequence(lambda n: f"{10_000_000 + n}")
    username = Sequence(lambda n: f"user-{n}")
    email = Sequence(lambda n: f"user-{n}@example.com")
    telegram_id = Sequence(lambda n: 5_000_000_000 + n)
    kyc_status = KycStatus.PRIMARY
    permissions = ("SPOT", "FUTURES")


class NewSessionFactory(Factory[NewSession]):
    """A session of a secret of its own, which idles for a week and lives for a month. `user_id` must be told."""

    class Meta:
        model = NewSession

    token_hash = Sequence(lambda n: hashlib.sha256(b"secret %d" % n).digest())
    label = "Firefox"
    idle_until = START + timedelta(days=7)
    expires_at = START + timedelta(days=30)
