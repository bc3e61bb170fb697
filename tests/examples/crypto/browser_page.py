"""The page of the tracker in a real browser: `nox -s browser`, which tells where Chromium is."""

import os
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from metacore.ids import new_id

_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
_SEVERAL_POINTS = re.compile("^M.*L.*L")


@pytest.fixture(scope="module")
def page(system: Any) -> Iterator[Page]:
    """A page of the service; it fails the tests for what its console complains of, such as the security policy."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ["CHROMIUM"], args=_FLAGS)
        page = browser.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.on("console", lambda told: complaints.append(told.text) if told.type == "error" else None)
        yield page
        browser.close()
    refused = ("status of 400", "status of 401", "404 (Not Found)")
    assert [text for text in complaints if not any(status in text for status in refused)] == []


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
