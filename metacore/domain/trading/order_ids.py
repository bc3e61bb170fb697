"""The ids of an order: ours, the exchange's, and the client's."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from metacore.errors import ConflictError


class OrderIds(NamedTuple):
    """Up to three ids of one order, None where an id is not known."""

    order_id: UUID | None = None
    exchange_order_id: str | None = None
    client_order_id: str | None = None

    def names(self) -> tuple[OrderIds, ...]:
        """Each id by itself."""
        order_id, exchange_order_id, client_order_id = self
        if order_id is not None and exchange_order_id is None and client_order_id is None:
            return (self,)
        names: tuple[OrderIds, ...] = () if order_id is None else (OrderIds(order_id),)
        if exchange_order_id is not None:
            names += (OrderIds(None, exchange_order_id),)
        if client_order_id is not None:
            names += (OrderIds(None, None, client_order_id),)
        return names

    def completed_by(self, other: OrderIds) -> OrderIds:
        """These ids and, where one is not known here, that of `other`."""
        return OrderIds(
            self.order_id or other.order_id,
            self.exchange_order_id or other.exchange_order_id,
            self.client_order_id or other.client_order_id,
        )

    def own_first(self) -> OrderIds:
        """The one id that sums are kept by: ours or, where it is not known, the exchange's, or the client's."""
        order_id, exchange_order_id, client_order_id = self
        if order_id is not None:
            return OrderIds(order_id)
        if exchange_order_id is not None:
            return OrderIds(None, exchange_order_id)
        return OrderIds(None, None, client_order_id)

    def exchange_first(self) -> str:
        """The one id that tells apart the two trades of a self-trade, as text: the exchange's, or ours, or the
        client's.

        If it is not ASCII, its digest: three keys of 255 characters of four bytes each are more than an index of
        PostgreSQL takes.
        """
        key = str(self.exchange_order_id or self.order_id or self.client_order_id)
        return key if key.isascii() else sha256(key.encode()).hexdigest()

    def find(self, named: Mapping[OrderIds, OrderIds], *aliases: OrderIds) -> OrderIds | None:
        """All ids of the order that these and `aliases` name among `named`, which has them by each of its names.

        ConflictError if they name two orders, or one whose id or exchange_order_id is another. A client_order_id that
        is no order's does not count beside another id: some exchanges tell that of the cancel request.
        """
        if not aliases and self.exchange_order_id is None and self.client_order_id is None:
            return named.get(self)
        found: OrderIds | None = None
        for ids in (self, *aliases):
            known: OrderIds | None = None
            for name in ids.names():
                if (other := named.get(name)) is None:
                    continue
                for one in (found, known):
                    if one is not None and one.order_id != other.order_id:
                        conflicts = (str(one.order_id), str(other.order_id))
                        raise ConflictError("the ids name two orders", conflicts=conflicts)
                known = other
            if known is not None:
                ids._require_agreement(known)
                found = known
        return found

    def _require_agreement(self, known: OrderIds) -> None:
        wrong: UUID | str | None = None
        if self.order_id is not None and self.order_id != known.order_id:
            wrong = self.order_id
        elif known.exchange_order_id is not None and self.exchange_order_id not in (None, known.exchange_order_id):
            wrong = self.exchange_order_id
        if wrong is not None:
            raise ConflictError(
                f"order {known.order_id} is not also {wrong}", conflicts=(str(known.order_id), str(wrong))
            )


UserOrderIds = tuple[UUID, OrderIds]
"""`(user_id, ids)`: an order of a user, named by any of its ids."""
