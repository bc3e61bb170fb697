"""What a transaction has locked, as it last saw or wrote it: so that a save need not look again."""

from __future__ import annotations

from collections import ChainMap
from typing import Any, TypeVar
from uuid import UUID

from metacore.domain.trading.balances import Balance, BalanceKey
from metacore.domain.trading.decisions import RowKey

K = TypeVar("K")
V = TypeVar("V")


class _Layers(ChainMap[K, V]):
    """A ChainMap that looks once in each layer, and calls nothing: none has a None."""

    def __contains__(self, key: object) -> bool:
        for layer in self.maps:  # noqa: SIM110
            if key in layer:
                return True
        return False

    def get(self, key: K, default: Any = None) -> Any:
        for layer in self.maps:
            if (value := layer.get(key)) is not None:
                return value
        return default


class RowLocks:
    """The locked users, the versions of locked orders and trades, the locked balances.

    A savepoint has a layer of its own, forgotten when it is undone: its locks are gone then and its writes too.
    """

    def __init__(self, around: RowLocks | None = None) -> None:
        self._around = around
        self._forgot = False
        self._took_any = False
        self.users: _Layers[UUID, bool] = around.users.new_child() if around else _Layers()
        self.versions: _Layers[RowKey, int] = around.versions.new_child() if around else _Layers()
        self.balances: _Layers[BalanceKey, Balance] = around.balances.new_child() if around else _Layers()

    @property
    def may_hold(self) -> bool:
        """Whether the transaction may hold any lock, of these rows or of others."""
        return self._took_any or (self._around is not None and self._around.may_hold)

    def take_note(self) -> None:
        """Note that the transaction may hold a lock from now on."""
        self._took_any = True

    def forget(self) -> None:
        """Forget all of it: rows were deleted."""
        self.users, self.versions, self.balances = _Layers(), _Layers(), _Layers()
        self._forgot = True

    def keep(self) -> None:
        """Make the layer of a released savepoint part of what is around it."""
        if self._around is not None:
            if self._forgot:
                self._around.forget()
            self._around._took_any |= self._took_any
            self._around.users.update(self.users.maps[0])
            self._around.versions.update(self.versions.maps[0])
            self._around.balances.update(self.balances.maps[0])
