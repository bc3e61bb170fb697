"""The pages of the marketplace in a real browser: `nox -s systems`, which tells where Chromium is."""

from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, expect

ANSWERED = (400, 401, 404)
EVIL = "<img src=x onerror=alert(1)>"


def sign_in(page: Page, username: str, password: str = "correct horse", press: str = "Log in") -> None:
    page.locator("#account").get_by_label("Username").fill(username)
    page.locator("#account").get_by_label("Password").fill(password)
    page.locator("#account").get_by_role("button", name=press, exact=True).click()


def go(page: Page, view: str) -> None:
    page.locator("#tabs").get_by_role("button", name=view).click()


def log_out(page: Page) -> None:
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("button", name="Register")).to_be_visible()


def test_a_product_is_sold_by_one_and_bought_by_another(
    page: Page, system: Any, signed_in: Any, category: Any, tmp_path: Path
) -> None:
    seller, warehouse = signed_in("SELLER"), signed_in("WAREHOUSE")
    picture = tmp_path / "picture.png"
    Image.new("RGB", (64, 48), "navy").save(picture)
    page.goto(system.url)
    sign_in(page, seller.username, "wrong horse")
    expect(page.get_by_role("alert")).to_contain_text("wrong")
    sign_in(page, seller.username)
    go(page, "Sell")
    new = page.locator("form.new")
    new.get_by_label("Title").fill(EVIL)
    new.get_by_label("Category").select_option(category["name"])
    new.get_by_label("Price").fill("0.001")
    new.get_by_role("button", name="Sell it").click()
    expect(page.get_by_role("alert")).to_contain_text("USD has 2 decimal places")
    new.get_by_label("Price").fill("19.99")
    new.get_by_label("Picture").set_input_files(picture)
    new.get_by_role("button", name="Sell it").click()
    expect(page.get_by_role("alert")).to_contain_text("is for sale")
    own = page.locator(".card", has_text=EVIL)
    own.get_by_label("Stock in").fill("3")
    own.get_by_role("button", name="Add", exact=True).click()
    expect(own.get_by_text("3 in stock, 0 reserved")).to_be_visible()
    log_out(page)

    sign_in(page, f"{seller.username}-buyer", press="Register")
    expect(page.get_by_text("CUSTOMER")).to_be_visible()
    page.reload()
    expect(page.get_by_text("CUSTOMER")).to_be_visible()
    found = page.locator(".card", has_text=EVIL)
    page.get_by_label("Search").fill("onerror")
    page.get_by_role("button", name="Find").click()
    expect(found).to_have_count(1)
    shown = found.locator(".picture img")
    expect(shown).to_be_visible()
    assert shown.evaluate("image => image.decode().then(() => image.naturalWidth)") == 64
    for _ in range(2):
        found.get_by_role("button", name="Add to basket").click()
    go(page, "Basket (2)")
    expect(page.get_by_text("Total: 39.98 USD")).to_be_visible()
    page.get_by_role("button", name="Order", exact=True).click()
    order = page.locator("article.order")
    expect(order.get_by_text("RESERVED", exact=True).first).to_be_visible()
    order.get_by_role("button", name="Pay").click()
    expect(order.locator(".state.PAID")).to_be_visible()
    log_out(page)

    sign_in(page, warehouse.username)
    go(page, "Orders")
    page.locator("article.order", has_text=EVIL).get_by_role("button", name="Ship").click()
    expect(page.locator("article.order", has_text=EVIL).locator(".state.SHIPPED")).to_be_visible()
    log_out(page)


def test_an_admin_makes_categories_and_sellers(page: Page, system: Any, admin: Any, signed_in: Any) -> None:
    somebody = signed_in()
    page.goto(system.url)
    sign_in(page, admin.username)
    go(page, "Admin")
    page.get_by_label("New category").fill(EVIL)
    page.get_by_role("button", name="Make it").click()
    expect(page.locator("li", has_text=EVIL)).to_be_visible()
    page.locator("#view").get_by_label("Username").fill(somebody.username)
    page.locator("#view").get_by_role("button", name="Find").click()
    row = page.locator("tr", has_text=somebody.username)
    row.get_by_role("button", name="SELLER").click()
    expect(row.locator(".role.has", has_text="SELLER")).to_be_visible()
    assert somebody.get("/v1/me").json()["roles"] == ["CUSTOMER", "SELLER"]
    assert page.locator("#view img, #view script").count() == 0
    log_out(page)
