"""The page of the tracker in a real browser: `nox -s systems`, which tells where Chromium is."""

import re
import time
from typing import Any

from playwright.sync_api import Page, expect

from metacore.ids import new_id

ANSWERED = (400, 401, 404)
_SEVERAL_POINTS = re.compile("^M.*L.*L")


def test_who_registers_sees_what_a_coin_is_worth_as_it_moves(page: Page, system: Any, exchange: Any) -> None:
    evil = f"<img src=x onerror=alert(1)>{new_id().hex}"
    page.goto(system.url)
    page.get_by_label("Name").fill(evil)
    page.get_by_label("Password").fill("correct horse")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("wrong")
    page.get_by_role("button", name="Register").click()
    expect(page.locator("#name")).to_have_text(evil)
    expect(page.get_by_role("status")).to_have_text("live")

    page.get_by_label("Coin").fill("FFFUSDT")
    page.get_by_label("Quantity").fill("0.1234567890123456789")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("alert")).to_contain_text("18 digits")
    page.get_by_label("Quantity").fill("2.000000000000000001")
    page.get_by_role("button", name="Add").click()
    row = page.get_by_role("row", name="FFFUSDT")
    expect(row).to_contain_text("no price yet")
    expect(row).to_contain_text("2.000000000000000001")
    for price in ("1.5", "2.5", "2"):
        exchange.quote(FFFUSDT=price)
        worth = {"1.5": "3.0000000000000000015", "2.5": "5.0000000000000000025", "2": "4.000000000000000002"}[price]
        expect(page.locator("#sum")).to_have_text(worth)
        time.sleep(1)
    expect(page.locator("#chart path.line")).to_have_attribute("d", _SEVERAL_POINTS)
    expect(row.locator("svg path.line")).to_have_count(1)

    # Loaded anew, it goes on by the cookie, and the chart by what was kept.
    page.reload()
    expect(page.locator("#sum")).to_have_text("4.000000000000000002")
    expect(page.locator("#chart path.line")).to_have_attribute("d", _SEVERAL_POINTS)
    page.get_by_role("button", name="Remove").click()
    expect(page.locator("#coins tr")).to_have_count(0)
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_label("Name")).to_be_visible()
    expect(page.locator("#portfolio")).to_be_hidden()
    assert page.locator("body img").count() == 0
