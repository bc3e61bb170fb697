"""The rotation of encryption keys: which are in use, and how far it got."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID

MAX_EXAMPLES = 10


@dataclass(frozen=True, slots=True)
class KeyUse:
    """How many users' credentials are encrypted under each encryption key id.

    `outdated` is the number of users that a rotation has still to do: their credentials are not under the current key,
    or hashes of their API key are left under a key that the ring no longer has. None without encryption keys.
    """

    credentials: Mapping[str, int]
    outdated: int | None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A user whose credentials cannot be decrypted, and why."""

    user_id: UUID
    key_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class RotationBatch:
    """What one batch of a rotation came to, in users.

    The credentials of `rotated` were encrypted anew (in a dry run: would have been). Those of `overtaken` were set,
    removed or rotated by somebody else meanwhile, and stay as that left them. Those of `unreadable` stay as they were.
    `next` is the `after` of the next batch, None at the end.
    """

    rotated: int = 0
    overtaken: int = 0
    unreadable: tuple[Unreadable, ...] = ()
    next: UUID | None = None


@dataclass(frozen=True, slots=True)
class RotationReport:
    """What a rotation has come to so far, in users.

    `outdated` were to be done when it began. `rotated`, `overtaken` and `unreadable` are sums over its batches;
    `examples` are up to ten of the unreadable. `remaining` are outdated at its end, None before: 0 says that it is
    complete.
    """

    outdated: int
    rotated: int = 0
    overtaken: int = 0
    unreadable: int = 0
    examples: tuple[Unreadable, ...] = ()
    remaining: int | None = None

    def after(self, batch: RotationBatch) -> RotationReport:
        """The report with one more batch."""
        return replace(
            self,
            rotated=self.rotated + batch.rotated,
            overtaken=self.overtaken + batch.overtaken,
            unreadable=self.unreadable + len(batch.unreadable),
            examples=(*self.examples, *batch.unreadable)[:MAX_EXAMPLES],
        )
