"""What is done with orders, and what must be true of them."""

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any

import httpx
import psutil

import metacore.sync
from metacore import Settings
from metacore.ids import new_id


class Trade:
    """What is done with orders in a marketplace that runs."""

    def __init__(self, system: Any, customer: Any, keeper: Any, product: Callable[..., dict[str, Any]]) -> None:
        self.system, self.customer, self.keeper, self._product = system, customer, keeper, product
        self.bank = httpx.Client(base_url=system.parts["MARKETPLACE_PAYMENT_GATEWAY"], timeout=30)

    def stocked(self, quantity: int, **changes: Any) -> str:
        """A product of which there is so much."""
        product_id: str = self._product(**changes)["id"]
        self.receive(product_id, quantity)
        return product_id

    def receive(self, product_id: str, quantity: int) -> None:
        """More of it has come in."""
        answer = self.keeper.post("/v1/warehouse/stock", json={"product_id": product_id, "quantity": quantity})
        assert answer.status_code == 201, answer.text

    def stock(self, product_id: str) -> tuple[int, int]:
        """How much is free, and how much is reserved."""
        stock = self.keeper.get(f"/v1/warehouse/stock/{product_id}").json()
        return stock["free"], stock["reserved"]

    def order(self, goods: dict[str, int], key: str = "", customer: Any = None) -> httpx.Response:
        """Order so much of each."""
        lines = [{"product_id": product_id, "quantity": quantity} for product_id, quantity in goods.items()]
        headers = {"idempotency-key": key or new_id().hex}
        answer: httpx.Response = (customer or self.customer).post("/v1/orders", json={"lines": lines}, headers=headers)
        return answer

    def ordered(self, goods: dict[str, int]) -> dict[str, Any]:
        """The order, which is reserved."""
        answer = self.order(goods)
        assert answer.status_code == 201, answer.text
        order: dict[str, Any] = answer.json()
        assert order["state"] == "RESERVED"
        return order

    def get(self, order_id: str) -> dict[str, Any]:
        """The order as it is now."""
        order: dict[str, Any] = self.customer.get(f"/v1/orders/{order_id}").json()
        return order

    def payment(self, order_id: str) -> dict[str, Any]:
        """Its payment as it is now."""
        payment: dict[str, Any] = self.customer.get(f"/v1/payments/{order_id}").json()
        return payment

    def pay(self, order_id: str) -> httpx.Response:
        """Pay it."""
        answer: httpx.Response = self.customer.post(f"/v1/orders/{order_id}/pay")
        return answer

    def cancel(self, order_id: str) -> httpx.Response:
        """Cancel it."""
        answer: httpx.Response = self.customer.post(f"/v1/orders/{order_id}/cancel")
        return answer

    def set_bank_mode(self, mode: str) -> None:
        """Let the bank behave so."""
        assert self.bank.put("/mode", json={"mode": mode}).status_code == 200

    def bank_log(self, of: Iterable[str]) -> list[dict[str, Any]]:
        """What the bank's own log has about these orders: captures by their ids, refunds of them."""
        order_ids = set(of)
        return [entry for entry in self.bank.get("/log").json() if {entry["key"], entry["of"]} & order_ids]

    def storage(self, service: str) -> metacore.sync.Storage:
        """What a service has stored."""
        url = self.system.parts["METACORE_URL"]
        url = os.environ.get("METACORE_URL", url) if url == "(as given)" else url
        return metacore.sync.connect(url, settings=Settings(schema=f"marketplace_{service}"))

    def process(self, service: str) -> psutil.Process | None:
        """The process of a service, if it lives."""
        for one in psutil.Process(self.system.process.pid).children():
            # Others come and go meanwhile.
            with suppress(psutil.NoSuchProcess):
                if one.name() == service:
                    return one
        return None

    def require_consistent(self, order_ids: Sequence[str], goods: dict[str, int]) -> None:
        """Stock and money are what these orders, of all that there are of `goods`, make of them."""
        orders = [self.get(order_id) for order_id in order_ids]
        sold = dict.fromkeys(goods, 0)
        held = dict.fromkeys(goods, 0)
        for order in orders:
            for line in order["lines"]:
                if order["state"] in ("PAID", "SHIPPED"):
                    sold[line["product_id"]] += line["quantity"]
                elif order["state"] == "RESERVED":
                    held[line["product_id"]] += line["quantity"]
        for product_id, quantity in goods.items():
            free = quantity - sold[product_id] - held[product_id]
            assert self.stock(product_id) == (free, held[product_id])
        log = self.bank_log(order_ids)
        kept = dict.fromkeys(order_ids, Decimal(0))
        for entry in log:
            if entry["outcome"] == "DONE":
                amount = Decimal(entry["amount"])
                kept[entry["of"] or entry["key"]] += -amount if entry["of"] else amount
        paid = {order["id"]: Decimal(order["total"]) for order in orders if order["state"] in ("PAID", "SHIPPED")}
        assert kept == dict.fromkeys(order_ids, Decimal(0)) | paid
        for service in ("warehouse", "payments"):
            with self.storage(service) as storage:
                for user in storage.users.stream():
                    assert not storage.balances.audit(user.id)
