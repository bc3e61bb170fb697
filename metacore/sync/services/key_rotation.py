# Made from metacore/services/key_rotation.py by `python tools/generate_sync.py`. Do not edit.
"""The rotation of encryption keys, over all users."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from metacore._compat.blocking import Eventual, require_own_world
from metacore.domain.people.key_rotation import RotationBatch, RotationReport
from metacore.sync.storage.storage import Storage, Transaction

PASSES = 3


class KeyRotation:
    """Brings all credentials under the current encryption key, while services go on reading and writing them.

    First every service gets the new key behind the current one, then it becomes the first everywhere, then rotate: else
    a service meets credentials that it has no key for. Once nothing remains, the old key may be dropped everywhere.
    """

    def __init__(self, storage: Storage) -> None:
        require_own_world(storage, self)
        self._storage = storage

    def run(
        self,
        batch_size: int = 500,
        dry_run: bool = False,
        progress: Callable[[RotationReport], None] | None = None,
    ) -> RotationReport:
        """Rotate batch by batch, calling `progress` after each, and report the exact numbers.

        It may be broken off and run again at any time: what is done stays done, and is not done twice. Credentials that
        somebody sets under an old key meanwhile are rotated in a further pass, of which there are up to three. With
        `dry_run` everything is decrypted and nothing written. ConfigurationError if there are no encryption keys.
        """
        outdated = self._storage.users.key_use().outdated
        report = RotationReport(outdated=outdated or 0)
        for _ in range(PASSES):
            report = self._pass(replace(report, unreadable=0, examples=()), batch_size, dry_run, progress)
            outdated = self._storage.users.key_use().outdated
            if dry_run or outdated == report.unreadable:
                break
        return replace(report, remaining=outdated)

    def _pass(
        self, report: RotationReport, batch_size: int, dry_run: bool, progress: Callable[[RotationReport], None] | None
    ) -> RotationReport:
        after: UUID | None = None
        while True:
            batch = self._storage.run(_batch(after, batch_size, dry_run))
            report = report.after(batch)
            if progress is not None:
                progress(report)
            if batch.next is None:
                return report
            after = batch.next


def _batch(after: UUID | None, limit: int, dry_run: bool) -> Callable[[Transaction], Eventual[RotationBatch]]:
    return lambda tx: tx.users.rotate_keys(after, limit, dry_run)
