"""Django's ORM, on psycopg."""

from __future__ import annotations

from datetime import UTC, datetime
from threading import Barrier
from typing import Any

import django
from django.conf import settings
from psycopg.conninfo import conninfo_to_dict

from . import sql
from .by_hand import order_row, trade_rows
from .peer import BlockingPeer
from .stage import SYMBOL, new_order, new_trades

if not settings.configured:
    # Each peer names its database when it opens.
    settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.postgresql"}}, USE_TZ=True)
    django.setup()

from django.db import connections, models, transaction


def _table(name: str) -> str:
    """A table of a schema, in the way that Django's quoting lets through."""
    return f'{sql.S}"."{name}'


def _amount(**options: Any) -> Any:
    return models.DecimalField(max_digits=74, decimal_places=36, **options)


class Order(models.Model):  # type: ignore[misc]
    pk = models.CompositePrimaryKey("user_id", "id")
    user_id = models.UUIDField()
    id = models.UUIDField()
    symbol = models.TextField()
    base_asset = models.TextField()
    quote_asset = models.TextField()
    side = models.TextField()
    type = models.TextField()
    time_in_force = models.TextField(null=True)
    status = models.TextField()
    price = _amount(null=True)
    quantity = _amount(null=True)
    quote_quantity = _amount(null=True)
    stop_price = _amount(null=True)
    executed_quantity = _amount()
    executed_quote_quantity = _amount()
    exchange_order_id = models.TextField(null=True)
    client_order_id = models.TextField(null=True)
    reason = models.TextField(null=True)
    transacted_at = models.DateTimeField(null=True)
    raw = models.JSONField(null=True)
    settled_quantity = _amount()
    settled_quote_quantity = _amount()
    held_asset = models.TextField(null=True)
    held_amount = _amount()
    placed_at = models.DateTimeField(null=True)
    version = models.BigIntegerField()
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        app_label, managed, db_table = "peers", False, _table("orders")


class Trade(models.Model):  # type: ignore[misc]
    pk = models.CompositePrimaryKey("user_id", "id")
    user_id = models.UUIDField()
    id = models.UUIDField()
    order_id = models.UUIDField(null=True)
    exchange_trade_id = models.TextField()
    symbol = models.TextField()
    side = models.TextField()
    price = _amount()
    quantity = _amount()
    quote_quantity = _amount()
    commission = _amount()
    commission_asset = models.TextField(null=True)
    traded_at = models.DateTimeField()
    state = models.TextField()
    version = models.BigIntegerField()
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    order_key = models.TextField()

    class Meta:
        app_label, managed, db_table = "peers", False, _table("trades")


class Django(BlockingPeer):
    name = "Django ORM"

    def open(self) -> None:
        super().open()
        parts = conninfo_to_dict(self.url)
        connections.close_all()
        connections.settings["default"] |= {
            "NAME": parts.get("dbname"),
            "USER": parts.get("user"),
            "PASSWORD": parts.get("password") or "",
            "HOST": parts.get("host"),
            "PORT": parts.get("port"),
            "CONN_MAX_AGE": None,
        }

    def close(self) -> None:
        together = Barrier(self.workers)

        def close(_: int) -> None:
            together.wait()
            connections.close_all()

        # Each thread has a connection of its own, that of the first worker alone among them.
        connections.close_all()
        list(self._threads.map(close, range(self.workers)))
        super().close()

    def get(self, worker: int) -> int:
        [account] = self.accounts("get", worker)
        assert Order.objects.get(user_id=account.user_id, id=account.order_ids[0]).symbol == SYMBOL
        return 1

    def create(self, worker: int) -> int:
        [account] = self.accounts("create", worker)
        row = order_row(new_order(account.user_id), datetime.now(UTC))
        Order(**row).save(force_insert=True)
        return 1

    def _list(self, start: int, end: int) -> int:
        listed = Order.objects.filter(user_id=self.stage.listing.user_id)
        return len(list(listed.order_by("-created_at", "-id")[start:end]))

    def list_1000(self, worker: int) -> int:  # noqa: ARG002
        return self._list(0, 1000) and 1

    def first_page(self, worker: int) -> int:  # noqa: ARG002
        return self._list(0, self.size.page) // self.size.page

    def last_page(self, worker: int) -> int:  # noqa: ARG002
        """By its number, as Django's own paginator does."""
        start = (self.size.last_page - 1) * self.size.page
        return self._list(start, start + self.size.page) // self.size.page

    def bulk(self, worker: int) -> int:
        [account] = self.accounts("bulk", worker)
        rows = trade_rows(list(new_trades(account.user_id, self.size.bulk)), datetime.now(UTC))
        objects = [Trade(**dict(zip(sql.TRADES, row, strict=True))) for row in rows]
        with transaction.atomic():
            return len(Trade.objects.bulk_create(objects, batch_size=1000))
