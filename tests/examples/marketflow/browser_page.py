"""The page of the market data service in a real browser: `nox -s systems`, which tells where Chromium is."""

import os
import re
from typing import Any

from playwright.sync_api import Page, expect

ANSWERED = (404,)


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
