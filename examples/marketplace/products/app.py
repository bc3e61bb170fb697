"""What the product service is made of."""

from __future__ import annotations

from common.objects import Objects
from marketplace.context import Contents, ServiceContext
from marketplace.products.images import Images
from marketplace.products.pictures import LARGEST
from marketplace.products.routes import routers


async def build(context: ServiceContext) -> Contents:
    """The service."""
    topic = context.topic("products")
    objects = Objects(context.urls["SERVICES_S3"])
    images = Images(context.storage, context.schema, objects)
    return Contents(
        routers=routers(context.storage, context.schema, topic, images),
        publishes=[topic],
        checks={"objects": objects.check},
        largest_body=LARGEST,
    )
