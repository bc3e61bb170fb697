"""The routes of the product service."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, LiteralString
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from common.access_tokens import Claims
from common.problems import documented
from marketplace.callers import Admin, Role, Seller, Service, is_one_of
from marketplace.money import Currency
from marketplace.products.catalogue import Catalogue
from marketplace.products.categories import Categories, Category, CategoryChange, NewCategory
from marketplace.products.images import Image, Images
from marketplace.products.pictures import MEDIA_TYPES
from marketplace.products.product import NewProduct, Offer, Product, ProductChange, ProductState
from marketplace.products.search import ProductQuery, Search
from metacore import InvalidDataError, Page, Storage, Text, parse_amount

Limit = Annotated[int, Query(ge=1, le=100)]
After = Annotated[str | None, Query(description="The `next` of the page before.")]
Words = Annotated[Text | None, Query(description='All of them; "in this order", one OR another, -not this.')]
Price = Annotated[str | None, Query(description="Of the currency that is asked for.")]
ImageName = Annotated[str, Path(description="Letters, digits, points and dashes.")]

_BYTES = {media_type: {"schema": {"type": "string", "format": "binary"}} for media_type in MEDIA_TYPES.values()}
_SHOWN_ONLY = {
    "content-security-policy": "default-src 'none'; sandbox",
    "x-content-type-options": "nosniff",
    "cache-control": "no-cache",
}


class OffersRequest(BaseModel):
    """The products that another service asks for."""

    product_ids: Annotated[tuple[UUID, ...], Field(max_length=1000)]


class Offers(BaseModel):
    """Those of them that there are."""

    offers: tuple[Offer, ...]


def routers(storage: Storage, schema: LiteralString, topic: str, images: Images) -> Sequence[APIRouter]:
    """The routes over the tables of `schema`."""
    catalogue = Catalogue(storage, schema, topic)
    return (
        _categories(Categories(storage, schema)),
        _products(storage, catalogue, Search(storage, schema)),
        _images(catalogue, images),
        _internal(catalogue),
    )


def _internal(catalogue: Catalogue) -> APIRouter:
    routes = APIRouter(prefix="/internal", include_in_schema=False)

    @routes.post("/offers")
    async def offers(body: OffersRequest, _: Service) -> Offers:
        """What is known of these products, for the other services."""
        return Offers(offers=tuple(await catalogue.offers(body.product_ids)))

    return routes


def _categories(categories: Categories) -> APIRouter:
    routes = APIRouter(prefix="/v1/categories", tags=["categories"])

    @routes.get("", responses=documented(503))
    async def list_categories() -> tuple[Category, ...]:
        """All of them, by name; `parent_id` makes them a tree."""
        return await categories.list()

    @routes.post("", status_code=201, responses=documented(400, 401, 403, 404, 409, 413, 503))
    async def create_category(new: NewCategory, _: Admin) -> Category:
        """Make a category."""
        return await categories.create(new)

    @routes.put("/{category_id}", responses=documented(400, 401, 403, 404, 409, 413, 503))
    async def change_category(category_id: UUID, change: CategoryChange, _: Admin) -> Category:
        """Name or move it, with all below it; 409 if it would be below itself."""
        return await categories.change(category_id, change)

    @routes.delete("/{category_id}", status_code=204, responses=documented(400, 401, 403, 404, 409, 503))
    async def delete_category(category_id: UUID, _: Admin) -> None:
        """Remove it; 409 if there is something in it."""
        await categories.delete(category_id)

    return routes


def _products(storage: Storage, catalogue: Catalogue, search: Search) -> APIRouter:
    routes = APIRouter(prefix="/v1/products", tags=["products"])

    @routes.get("", responses=documented(400, 503))
    async def find_products(
        q: Words = None,
        category: UUID | None = None,
        seller: UUID | None = None,
        currency: Currency | None = None,
        min_price: Price = None,
        max_price: Price = None,
        state: ProductState = ProductState.ACTIVE,
        limit: Limit = 20,
        after: After = None,
    ) -> Page[Product]:
        """What is sold, newest first, by words and filters; a category with all that is below it."""
        query = ProductQuery(
            words=q,
            category_id=category,
            seller_id=seller,
            currency=currency,
            lowest_price=_price(min_price, "min_price"),
            highest_price=_price(max_price, "max_price"),
            state=state,
        )
        return await search.find(query, after, limit)

    @routes.post("", status_code=201, responses=documented(400, 401, 403, 404, 413, 503))
    async def create_product(new: NewProduct, caller: Seller) -> Product:
        """Sell a product."""
        return await catalogue.create(new, caller.user_id)

    @routes.get("/{product_id}", responses=documented(400, 404, 503))
    async def get_product(product_id: UUID) -> Product:
        """A product, also one that is archived."""
        return await catalogue.get(product_id)

    @routes.put("/{product_id}", responses=documented(400, 401, 403, 404, 409, 413, 503))
    async def change_product(product_id: UUID, change: ProductChange, caller: Seller) -> Product:
        """Change it; 409 if it is another version by now, or archived. Orders that were made stay as they are."""

        def decide(product: Product) -> Product:
            return _own(product, caller).changed_by(change, storage.now())

        return await catalogue.change(product_id, decide)

    @routes.delete("/{product_id}", responses=documented(400, 401, 403, 404, 409, 503))
    async def archive_product(product_id: UUID, caller: Seller, version: int | None = None) -> Product:
        """Sell it no longer; it is still there for those who have bought it. With `version`, 409 if it is another."""

        def decide(product: Product) -> Product:
            return _own(product, caller).archived(version, storage.now())

        return await catalogue.change(product_id, decide)

    return routes


def _images(catalogue: Catalogue, images: Images) -> APIRouter:
    routes = APIRouter(prefix="/v1/products", tags=["products"])

    @routes.get("/{product_id}/images", responses=documented(400, 503))
    async def list_images(product_id: UUID) -> tuple[Image, ...]:
        """Its pictures, by name."""
        return await images.list(product_id)

    @routes.put(
        "/{product_id}/images/{name:path}",
        responses=documented(400, 401, 403, 404, 413, 503),
        openapi_extra={"requestBody": {"required": True, "content": _BYTES}},
    )
    async def put_image(product_id: UUID, name: ImageName, request: Request, caller: Seller) -> Image:
        """Store a picture, by its bytes a PNG, JPEG or WebP: at most 10 MiB, and 40 million pixels."""
        _own(await catalogue.get(product_id), caller)
        return await images.put(product_id, name, await request.body())

    @routes.get(
        "/{product_id}/images/{name:path}",
        response_class=Response,
        responses={200: {"content": _BYTES}, **documented(400, 404, 503)},
    )
    async def get_image(product_id: UUID, name: ImageName) -> Response:
        """A picture."""
        image, content = await images.get(product_id, name)
        return Response(content, media_type=image.media_type, headers=_SHOWN_ONLY)

    @routes.delete("/{product_id}/images/{name:path}", status_code=204, responses=documented(400, 401, 403, 404, 503))
    async def delete_image(product_id: UUID, name: ImageName, caller: Seller) -> None:
        """Remove a picture."""
        _own(await catalogue.get(product_id), caller)
        await images.delete(product_id, name)

    return routes


def _own(product: Product, caller: Claims) -> Product:
    if product.seller_id != caller.user_id and not is_one_of(caller, Role.ADMIN):
        raise HTTPException(403, "the product is another seller's")
    return product


def _price(text: str | None, field: str) -> Decimal | None:
    if text is None:
        return None
    try:
        return parse_amount(text)
    except ValueError as error:
        raise InvalidDataError(str(error), field=field) from None
