"""Reservations that are asked for at the same time, made together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from metacore import InsufficientFundsError, LedgerService, MetacoreError, NewReservation

_AT_ONCE = 64


class Together:
    """Reserves what several ask for by one decision, so that who wants what all want does not wait for each in turn.

    One that cannot be made would undo the others: then each is made alone.
    """

    def __init__(self, ledger: LedgerService) -> None:
        self._ledger = ledger
        self._asked: list[tuple[Sequence[NewReservation], asyncio.Future[bool]]] = []
        self._working: asyncio.Task[None] | None = None

    async def reserve(self, reservations: Sequence[NewReservation]) -> bool:
        """Make all of `reservations`; False, and none is, if there is too little of something."""
        made: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._asked.append((reservations, made))
        if self._working is None:
            self._working = asyncio.create_task(self._work())
        return await made

    async def _work(self) -> None:
        try:
            while self._asked:
                now, self._asked = self._asked[:_AT_ONCE], self._asked[_AT_ONCE:]
                if not await self._all(now):
                    await asyncio.gather(*(self._alone(*one) for one in now))
        finally:
            self._working = None

    async def _all(self, asked: Sequence[tuple[Sequence[NewReservation], asyncio.Future[bool]]]) -> bool:
        if len(asked) == 1:
            return False
        try:
            await self._ledger.reserve_all(new for reservations, _ in asked for new in reservations)
        except MetacoreError:
            return False
        for _, made in asked:
            if not made.done():
                made.set_result(True)
        return True

    async def _alone(self, reservations: Sequence[NewReservation], made: asyncio.Future[bool]) -> None:
        try:
            await self._ledger.reserve_all(reservations)
        except Exception as error:  # noqa: BLE001 - who has asked is told
            if made.done():
                return
            if isinstance(error, InsufficientFundsError):
                made.set_result(False)
            else:
                made.set_exception(error)
        else:
            if not made.done():
                made.set_result(True)
