"""Accounts over HTTP: who registers, signs in, goes on by tokens, and leaves."""

import base64
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import jwt
import pytest

from metacore.ids import new_id


def at_once(count: int, ask: Any) -> list[httpx.Response]:
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda _: ask(), range(count)))


def refresh(system: Any, token: str) -> httpx.Response:
    return httpx.post(f"{system.url}/v1/refresh", json={"refresh": token}, timeout=30, verify=False)


def test_of_fifty_who_register_a_name_at_once_one_has_it(system: Any) -> None:
    one = {"username": f"user-{new_id().hex}", "password": "correct horse"}
    answers = at_once(50, lambda: httpx.post(f"{system.url}/v1/register", json=one, timeout=60, verify=False))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 49}
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert refused.headers["content-type"] == "application/problem+json"
    assert "correct horse" not in refused.text


def test_a_refresh_token_is_in_the_body_and_in_a_cookie_that_no_script_sees(system: Any, person: Any) -> None:
    alice = person()
    answer = alice.http.post("/v1/login", json=alice.credentials)
    cookie = answer.headers["set-cookie"].lower()
    token = answer.json()["tokens"]["refresh"]
    assert f"refresh_token={token}".lower() in cookie
    assert {"httponly", "path=/v1", "samesite=strict"} <= {part.strip() for part in cookie.split(";")}
    by_cookie = alice.http.post("/v1/refresh")
    assert by_cookie.status_code == 200
    assert by_cookie.json()["tokens"] != answer.json()["tokens"]


def test_a_wrong_password_and_an_unknown_name_have_one_answer(system: Any, person: Any) -> None:
    alice = person()
    problems = []
    for username in (alice.name, f"nobody-{new_id().hex}", "", "x" * 3000):
        answer = system.http.post("/v1/login", json={"username": username, "password": "wrong horse"})
        assert answer.status_code == 401
        problems.append({key: value for key, value in answer.json().items() if key != "request_id"})
    assert problems == [problems[0]] * 4


def test_of_sixteen_who_refresh_at_once_all_get_the_one_successor(system: Any, person: Any) -> None:
    token = person().tokens["refresh"]
    answers = at_once(16, lambda: refresh(system, token))
    assert [answer.status_code for answer in answers] == [200] * 16
    successors = {answer.json()["tokens"]["refresh"] for answer in answers}
    assert len(successors) == 1
    # An answer that was lost is asked for again.
    assert refresh(system, token).json()["tokens"]["refresh"] in successors


def test_a_token_two_generations_old_ends_its_session_alone(system: Any, person: Any) -> None:
    alice = person()
    first = alice.tokens["refresh"]
    other = alice.log_in()["refresh"]
    second = refresh(system, first).json()["tokens"]["refresh"]
    third = refresh(system, second).json()["tokens"]["refresh"]
    late = refresh(system, first)
    assert late.status_code == 401
    assert "set-cookie" not in late.headers
    assert refresh(system, third).status_code == 401
    assert refresh(system, other).status_code == 200


def test_who_logs_out_is_out_there_and_everywhere_if_so_asked(system: Any, person: Any) -> None:
    alice = person()
    first = alice.tokens
    second = alice.log_in()
    listed = alice.http.get("/v1/auth/sessions").json()
    assert [one["current"] for one in listed] == [True, False]
    out = alice.http.post("/v1/auth/logout")
    assert out.status_code == 204
    assert 'refresh_token=""' in out.headers["set-cookie"]
    assert alice.http.get("/v1/auth/sessions").status_code == 401
    assert refresh(system, second["refresh"]).status_code == 401
    bearer = {"authorization": f"Bearer {first['access']}"}
    assert alice.http.post("/v1/auth/logout-all", headers=bearer).json() == {"sessions": 1}
    assert alice.http.get("/v2/coin/symbols", headers=bearer).status_code == 401
    assert refresh(system, first["refresh"]).status_code == 401


def test_a_profile_that_is_deleted_is_gone_with_all_its_sessions(system: Any, person: Any) -> None:
    alice, bob = person(), person()
    alice.add("BTCUSDT", "1")
    assert alice.http.delete("/v2/user/profile").status_code == 204
    assert alice.http.delete("/v2/user/profile").status_code == 401
    assert alice.http.get("/v2/coin/symbols").status_code == 401
    assert refresh(system, alice.tokens["refresh"]).status_code == 401
    assert system.http.post("/v1/login", json=alice.credentials).status_code == 401
    assert bob.http.get("/v2/coin/symbols").status_code == 200
    assert system.http.post("/v1/register", json=alice.credentials).status_code == 201


def unsigned(token: str) -> str:
    head = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode()).decode().rstrip("=")
    return f"{head}.{token.split('.')[1]}."


def by_another_key(token: str) -> str:
    claims = jwt.decode(token, options={"verify_signature": False})
    return jwt.encode(claims, "another key of the same length...", "HS256")


@pytest.mark.parametrize(
    "make",
    [unsigned, by_another_key, lambda token: token[:-2], lambda _: "x", lambda _: "a.b.c", lambda _: "x" * 9000],
)
def test_a_worthless_access_token_is_refused(person: Any, make: Any) -> None:
    alice = person()
    headers = {"authorization": f"Bearer {make(alice.tokens['access'])}"}
    for method, path in (("GET", "/v2/coin/symbols"), ("GET", "/v1/auth/sessions"), ("DELETE", "/v2/user/profile")):
        answer = alice.http.request(method, path, headers=headers)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"username": "x"}',
        b'{"username": 1, "password": "correct horse"}',
        b'{"username": "x", "password": "short"}',
        b'{"username": "", "password": "correct horse"}',
        b'{"username": "\\u0000", "password": "correct horse"}',
        b'{"username": "\\ud800", "password": "correct horse"}',
        b'{"username": "x", "password": "\\ud800 correct horse"}',
        b"\xff\xfe",
        b'{"username": "x", "password": "' + b"x" * 2000 + b'"}',
        b"[" * 10_000,
    ],
)
def test_what_are_no_credentials_is_a_bad_request(system: Any, body: bytes) -> None:
    answer = system.http.post("/v1/register", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert "correct horse" not in answer.text


def test_a_body_that_is_too_large_is_refused(system: Any) -> None:
    assert system.http.post("/v1/register", content=b"x" * 100_000).status_code == 413


def test_no_token_is_a_refresh_token_but_one(system: Any, person: Any) -> None:
    assert system.http.post("/v1/refresh").status_code == 401
    for token in ("", "x", "a.b.c", "\ud800", person().tokens["access"]):
        answer = system.http.post("/v1/refresh", content=json.dumps({"refresh": token}))
        assert answer.status_code in (400, 401)
