"""What the product service is made of."""

from __future__ import annotations

from common.objects import store_at
from marketplace.context import Contents, ServiceContext
from marketplace.products.images import Images
from marketplace.products.pictures import LARGEST
from marketplace.products.routes import routers


async def build(context: ServiceContext) -> Contents:
    """The service."""
    topic = context.topic("products")
    images = Images(context.storage, context.schema, store_at(context.urls["SERVICES_S3"]))
    return Contents(
        routers=routers(context.storage, context.schema, topic, images), tells=[topic], largest_body=LARGEST
    )
