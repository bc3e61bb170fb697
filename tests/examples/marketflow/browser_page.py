"""The page of the market data service in a real browser: `nox -s browser`, which tells where Chromium is."""

import os
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect, sync_playwright

_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


@pytest.fixture(scope="module")
def page(system: Any) -> Iterator[Page]:
    """A page of the service; it fails the tests for what its console complains of, such as the security policy."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ["CHROMIUM"], args=_FLAGS)
        page = browser.new_page(viewport={"width": 1200, "height": 760})
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda told: complaints.append(told.text) if told.type == "error" else None)
        yield page
        browser.close()
    assert [text for text in complaints if "404 (Not Found)" not in text] == []


def test_prices_are_drawn_as_they_come(page: Page, system: Any, feed: Any, symbols: Any, reckoning: Any) -> None:
    page.goto(system.url)
    expect(page.get_by_role("status")).to_contain_text("live")
    card = page.get_by_role("article", name=symbols[0])
    for n in range(4):
        for exchange in ("exchange1", "exchange2", "exchange3"):
            feed.send(reckoning.Sent(exchange, symbols[0], reckoning.average([n + 1, n + 2]), reckoning.milliseconds()))
        page.wait_for_timeout(1000)
    expect(card.get_by_role("heading")).to_contain_text("4.5")
    expect(card.locator("polyline")).to_have_count(3)
    expect(card.locator("polyline").first).to_have_attribute("points", re.compile(r"\S+,\S+ \S+,\S+"))
    expect(page.get_by_role("list", name="Sources")).to_contain_text("exchange3: connected")


def test_the_mode_is_switched_by_a_click_and_seen(page: Page, system: Any, symbols: Any) -> None:
    page.goto(system.url)
    page.get_by_role("button", name="Test").click()
    expect(page.get_by_role("status")).to_contain_text("test, as of", timeout=15_000)
    expect(page.get_by_role("button", name="Test")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("article")).to_have_count(len(symbols), timeout=15_000)
    if shown := os.environ.get("MARKETFLOW_TEST_PICTURE"):
        page.wait_for_timeout(20_000)
        page.screenshot(path=shown)
    page.get_by_role("button", name="Live").click()
    expect(page.get_by_role("status")).to_contain_text("live", timeout=15_000)
