"""Routes that are answered directly, before the application that has them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from common.direct import Direct, DirectRoute, is_json


class Asked:
    """An application of which one of two routes is answered directly, and what its routes were called."""

    def __init__(self) -> None:
        self.routes: list[str] = []
        app = FastAPI()

        @app.post("/things/{name}/bend")
        async def bend(name: str, request: Request) -> Response:
            return PlainTextResponse(f"app bends {name} by {(await request.body()).decode()}")

        @app.post("/things/{name}/mend")
        async def mend(name: str) -> Response:
            return PlainTextResponse(f"app mends {name}")

        async def bend_directly(request: Request, body: bytes) -> Response | None:
            is_plain = is_json(request) and body.isdigit()
            return PlainTextResponse(f"{request.path_params['name']} by {body.decode()}", 202) if is_plain else None

        self._app = Direct(app, [DirectRoute("POST", "/things/{name}/bend", bend_directly)])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)
        if "route" in scope:
            self.routes.append(scope["route"].path_format)

    def __getattr__(self, method: str) -> Any:
        async def ask(path: str, **sent: Any) -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(self), base_url="http://app") as client:
                return await client.request(method, path, **sent)

        return lambda path, **sent: asyncio.run(ask(path, **sent))


@pytest.fixture
def client() -> Asked:
    return Asked()


JSON = {"content-type": "application/json"}


def test_a_request_is_answered_directly_by_its_method_and_path(client: Asked) -> None:
    answer = client.post("/things/rod/bend", content=b"12", headers=JSON)
    assert (answer.status_code, answer.text) == (202, "rod by 12")
    assert client.post("/things/rod/mend").text == "app mends rod"
    assert client.get("/things/rod/bend").status_code == 405
    assert client.post("/things/rod/bend/more", content=b"12", headers=JSON).status_code == 404
    assert client.post("/things/a/b/bend", content=b"12", headers=JSON).status_code == 404
    assert client.routes[:2] == ["/things/{name}/bend", "/things/{name}/mend"]


@pytest.mark.parametrize(
    ("body", "headers"), [(b"much", JSON), (b"", JSON), (b"12", {"content-type": "text/plain"}), (b"12", {})]
)
def test_what_gets_no_answer_goes_on_whole_to_the_application(client: Asked, body: bytes, headers: Any) -> None:
    assert client.post("/things/rod/bend", content=body, headers=headers).text == f"app bends rod by {body.decode()}"


def test_a_body_in_parts_is_one_for_both(client: Asked) -> None:
    async def parts(*texts: bytes) -> AsyncIterator[bytes]:
        for text in texts:
            yield text

    assert client.post("/things/rod/bend", content=parts(b"1", b"2"), headers=JSON).text == "rod by 12"
    assert client.post("/things/rod/bend", content=parts(b"1", b"x"), headers=JSON).text == "app bends rod by 1x"
