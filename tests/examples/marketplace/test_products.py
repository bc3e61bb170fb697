"""Products, their categories, what is found, and pictures."""

import io
import threading
from typing import Any
from uuid import UUID

import pytest
from PIL import Image

from metacore.ids import new_id


def picture(form: str = "PNG", size: tuple[int, int] = (40, 30)) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", size, "red").save(written, form)
    return written.getvalue()


def test_a_product_is_changed_by_who_knows_its_version_and_archived_for_ever(
    http: Any, seller: Any, signed_in: Any, product: Any
) -> None:
    made = product()
    path = f"/v1/products/{made['id']}"
    assert (made["price"], made["version"], made["state"]) == ("12.50", 1, "ACTIVE")
    change = {name: made[name] for name in ("title", "category_id", "currency")} | {"price": "13", "version": 1}
    assert signed_in("SELLER").put(path, json=change).status_code == 403
    changed = seller.put(path, json=change).json()
    assert (changed["price"], changed["version"]) == ("13.00", 2)
    assert seller.put(path, json=change).status_code == 409
    assert seller.delete(path, params={"version": 1}).status_code == 409
    assert seller.delete(path).json()["state"] == "ARCHIVED"
    assert seller.delete(path).json()["version"] == 3
    assert seller.put(path, json={**change, "version": 3}).status_code == 409
    assert [seller.put(path, json={**change, "version": each}).status_code for each in (True, "3", 3.0)] == [400] * 3
    assert http.get(path).json()["state"] == "ARCHIVED"
    assert made["id"] not in [one["id"] for one in http.get("/v1/products", params={"limit": 100}).json()["items"]]


@pytest.mark.parametrize(
    "change",
    [
        *({"price": price} for price in ("-1", "0", "0.001", "NaN", "1e400", "", 0.5, None, "1" * 20)),
        {"price": "1.5", "currency": "JPY"},
        *({"currency": "XXX"}, {"title": ""}, {"title": "x" * 201}, {"title": "a\0"}, {"unknown": 1}),
    ],
    ids=str,
)
def test_what_is_no_product_is_refused(seller: Any, category: Any, change: dict[str, Any]) -> None:
    new = {"title": "Shoes", "price": "1", "currency": "USD", "category_id": category["id"], **change}
    assert seller.post("/v1/products", json=new).status_code == 400


def test_a_product_needs_a_category_that_is_there(seller: Any) -> None:
    new = {"title": "Shoes", "price": "1", "currency": "USD", "category_id": str(UUID(int=1))}
    assert seller.post("/v1/products", json=new).status_code == 404


def test_categories_are_a_tree(admin: Any, http: Any, product: Any) -> None:
    def make(parent: str | None = None) -> str:
        answer = admin.post("/v1/categories", json={"name": new_id().hex, "parent_id": parent})
        assert answer.status_code == 201
        return str(answer.json()["id"])

    def move(one: str, parent: str | None, version: int = 1) -> int:
        body = {"name": new_id().hex, "parent_id": parent, "version": version}
        return int(admin.put(f"/v1/categories/{one}", json=body).status_code)

    top = make()
    middle = make(top)
    below = make(middle)
    assert [move(top, place) for place in (top, middle, below)] == [409, 409, 409]
    assert move(top, str(UUID(int=1))) == 404
    assert (move(below, top), move(below, top)) == (200, 409)
    within = product(category_id=below)["id"]
    found = http.get("/v1/products", params={"category": top}).json()["items"]
    assert [one["id"] for one in found] == [within]
    assert admin.delete(f"/v1/categories/{below}").status_code == 409
    assert admin.delete(f"/v1/categories/{middle}").status_code == 204


def test_two_moves_that_make_a_cycle_together_are_not_both_made(admin: Any) -> None:
    ids = [admin.post("/v1/categories", json={"name": new_id().hex}).json()["id"] for _ in range(2)]
    statuses: list[int] = []

    def move(one: str, parent: str) -> None:
        body = {"name": new_id().hex, "parent_id": parent, "version": 1}
        statuses.append(admin.put(f"/v1/categories/{one}", json=body).status_code)

    movers = [threading.Thread(target=move, args=(one, parent)) for one, parent in (ids, ids[::-1])]
    for mover in movers:
        mover.start()
    for mover in movers:
        mover.join()
    assert sorted(statuses) == [200, 409]


def test_products_are_found_by_words_and_filters(http: Any, product: Any, seller: Any) -> None:
    word = f"w{new_id().hex}"
    red = product(title=f"Red running shoes {word}", price="10")["id"]
    blue = product(title=f"Blue shoes {word}", description='for running, 100% wool; it\'s "good" 😀', price="20")["id"]
    yen = product(title=f"Ботинки {word}", price="15", currency="JPY")["id"]

    def find(**params: str) -> list[str]:
        answer = http.get("/v1/products", params=params)
        assert answer.status_code == 200, answer.text
        return [one["id"] for one in answer.json()["items"]]

    assert find(q=word) == [yen, blue, red]
    assert find(q=f"{word} shoe RUNNING") == [blue, red]
    assert find(q=f'{word} "running shoes"') == [red]
    assert find(q=f"{word} shoes -red") == [blue]
    assert find(q=f"{word} ботинкам") == [yen]
    assert find(q=word, currency="USD", min_price="10.01") == [blue]
    assert find(q=word, max_price="15") == [yen, red]
    assert find(q=word, seller=seller.id) == [yen, blue, red]
    assert find(q=word, seller=str(UUID(int=1))) == []


@pytest.mark.parametrize(
    "words",
    ["%", "%%%", "_", "'", "'; DROP TABLE products; --", '"', "\\", "&|!():*<->", "😀", "x" * 10_240, "a or " * 2000],
    ids=lambda words: words[:12],
)
def test_odd_words_are_words(http: Any, words: str) -> None:
    assert http.get("/v1/products", params={"q": words}).status_code == 200


@pytest.mark.parametrize(
    "params",
    [{"q": "\0"}, {"after": "x"}, {"limit": "0"}, {"limit": "101"}, {"min_price": "x"}, {"category": "x"}],
    ids=str,
)
def test_what_nobody_can_look_for_is_refused(http: Any, params: dict[str, str]) -> None:
    assert http.get("/v1/products", params=params).status_code == 400


def test_pages_give_all_exactly_once_while_others_come(http: Any, product: Any) -> None:
    word = f"w{new_id().hex}"
    there = [product(title=word)["id"] for _ in range(12)]
    found: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = http.get("/v1/products", params={"q": word, "limit": 5, **after}).json()
        found += [one["id"] for one in page["items"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
        product(title=word)
    assert found == there[::-1]


@pytest.mark.parametrize(("form", "media_type"), [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/webp")])
def test_a_picture_is_what_its_bytes_are(http: Any, seller: Any, product: Any, form: str, media_type: str) -> None:
    path = f"/v1/products/{product()['id']}/images/main.svg"
    content = picture(form)
    stored = seller.put(path, content=content, headers={"content-type": "image/svg+xml"}).json()
    assert (stored["media_type"], stored["width"], stored["height"], stored["size"]) == (
        media_type,
        40,
        30,
        len(content),
    )
    shown = http.get(path)
    assert (shown.content, shown.headers["content-type"]) == (content, media_type)
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert seller.delete(path).status_code == 204
    assert http.get(path).status_code == 404


def test_what_is_no_picture_is_refused(http: Any, seller: Any, signed_in: Any, product: Any) -> None:
    images = f"/v1/products/{product()['id']}/images"
    broken = (b"", b"<svg onload='alert(1)'/>", picture("GIF"), picture()[:-20], picture("JPEG")[:200], b"\x89PNG\r\n")
    assert {seller.put(f"{images}/x.png", content=content).status_code for content in broken} == {400}
    large = Image.new("1", (8000, 8000))
    written = io.BytesIO()
    large.save(written, "PNG")
    assert seller.put(f"{images}/x.png", content=written.getvalue()).status_code == 400
    assert seller.put(f"{images}/x.png", content=b"x" * (11 * 2**20)).status_code == 413
    for name in ("..%2Fx", "..%2F..%2Fetc%2Fpasswd", "%2e%2e", "a%00b", "x" * 101, "%D1%8F", ".hidden"):
        assert seller.put(f"{images}/{name}", content=picture()).status_code == 400
        assert http.get(f"{images}/{name}").status_code == 400
    assert signed_in("SELLER").put(f"{images}/x.png", content=picture()).status_code == 403
    assert http.get(images).json() == []
