"""The page of the order service in a real browser: `nox -s systems`, which tells where Chromium is."""

import json
from typing import Any

from playwright.sync_api import Page, expect

ANSWERED = (404,)


def show(page: Page, uid: str) -> None:
    page.get_by_label("Order uid").fill(uid)
    page.get_by_role("button", name="Show").click()


def test_an_order_is_shown_by_its_uid_as_text(page: Page, system: Any, order: Any) -> None:
    evil = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    one = order(entry=evil)
    one["delivery"]["name"] = one["items"][0]["name"] = evil
    body = json.dumps(one).replace("453", "453.50")
    assert system.http.put(f"/api/v1/orders/{one['order_uid']}", content=body).status_code == 201
    page.goto(system.url)
    show(page, one["order_uid"])
    shown = page.locator("#order")
    expect(shown.get_by_role("heading", name=one["order_uid"])).to_be_visible()
    expect(shown.get_by_text(evil)).to_have_count(3)
    expect(shown.get_by_role("cell", name="453.50")).to_be_visible()
    expect(shown.get_by_text("Items: 2")).to_be_visible()
    assert page.locator("#order script, #order img").count() == 0


def test_an_unknown_uid_is_said_to_be_unknown(page: Page, system: Any) -> None:
    page.goto(system.url)
    show(page, "<b>nobody</b>/..")
    expect(page.get_by_role("alert")).to_have_text("There is no order <b>nobody</b>/...")
    expect(page.locator("#order")).to_be_hidden()


def test_the_newest_orders_are_listed_and_shown_by_a_click(page: Page, system: Any, order: Any) -> None:
    newest = order(date_created="2039-01-01T00:00:00Z")
    system.http.put(f"/api/v1/orders/{newest['order_uid']}", json=newest)
    page.goto(system.url)
    page.get_by_role("button", name=newest["order_uid"]).click()
    expect(page.locator("#order").get_by_role("heading", name=newest["order_uid"])).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text("orders in the cache")
