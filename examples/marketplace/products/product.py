"""A product of the catalogue."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import Field

from common.tracing import outgoing
from marketplace.money import Currency, price_of
from metacore import Amount, ConflictError, Model, NewEvent, StaleVersionError, Text, new_id


class ProductState(StrEnum):
    """Whether it is sold."""

    ACTIVE = "ACTIVE"
    ARCHIVED = "ARCHIVED"


class NewProduct(Model):
    """A product to be sold. The price is a text, or a whole number."""

    title: Annotated[Text, Field(min_length=1, max_length=200)]
    description: Annotated[Text, Field(max_length=10_000)] = ""
    category_id: UUID
    price: Amount
    currency: Currency


class ProductChange(NewProduct):
    """All of it from now on; `version` is the one that this rests on."""

    version: Annotated[int, Field(strict=True)]


class Product(Model):
    """A product. Its stock is that of the asset that its id names, in the warehouse."""

    id: UUID
    seller_id: UUID
    category_id: UUID
    title: str
    description: str
    price: Decimal
    currency: Currency
    state: ProductState
    version: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def created(cls, new: NewProduct, seller_id: UUID, now: datetime) -> Self:
        """The product that `new` is; InvalidDataError if its price is none."""
        return cls(
            id=new_id(),
            seller_id=seller_id,
            state=ProductState.ACTIVE,
            version=1,
            created_at=now,
            updated_at=now,
            **_fields_of(new),
        )

    def changed_by(self, change: ProductChange, now: datetime) -> Self:
        """This product after the change; ConflictError if it is archived, StaleVersionError if it is another."""
        self.require_version(change.version)
        if self.state is ProductState.ARCHIVED:
            raise ConflictError("the product is archived, and stays as it is")
        return self.model_copy(update={**_fields_of(change), "version": self.version + 1, "updated_at": now})

    def archived(self, expected: int | None, now: datetime) -> Self:
        """This product, no longer sold; itself if it was not before. StaleVersionError if it is another version."""
        if self.state is ProductState.ARCHIVED:
            return self
        if expected is not None:
            self.require_version(expected)
        update = {"state": ProductState.ARCHIVED, "version": self.version + 1, "updated_at": now}
        return self.model_copy(update=update)

    def require_version(self, expected: int) -> None:
        """StaleVersionError if it is another version."""
        if self.version != expected:
            raise StaleVersionError("product", self.id, expected=expected, actual=self.version)

    def changed_event(self, topic: str) -> NewEvent:
        """The event that it is now so."""
        payload = Offer.of(self).model_dump(mode="json")
        return NewEvent(topic=topic, key=str(self.id), type="product.changed", payload=payload, headers=outgoing())


def _fields_of(new: NewProduct) -> dict[str, Any]:
    names = {name: getattr(new, name) for name in NewProduct.model_fields}
    return {**names, "price": price_of(new.price, new.currency)}


class Offer(Model):
    """What the other services know of a product."""

    product_id: UUID
    seller_id: UUID
    title: str
    price: Decimal
    currency: Currency
    state: ProductState
    version: int

    @classmethod
    def of(cls, product: Product) -> Self:
        """What they know of it."""
        names = cls.model_fields.keys() - {"product_id"}
        return cls(product_id=product.id, **{name: getattr(product, name) for name in names})
