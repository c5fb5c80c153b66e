"""The dashboard as a server: dark unless chosen, and nothing without the token where one is set."""

import asyncio

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message

from controlsurface.config.server_access import AuthConfig
from controlsurface.ui.app.document_scripts import THEME_SCRIPT, DocumentScriptsMiddleware
from controlsurface.ui.app.signin import SignInMiddleware
from controlsurface.ui.data import visitor
from controlsurface.ui.data.visitor import COOKIE_NAME, USERS_ENVIRONMENT, users_by_token

TOKEN = "correct horse battery staple"


async def page(request: Request) -> Response:
    return HTMLResponse("<html><head><title>x</title></head></html>")


async def parts(request: Request) -> Response:
    return StreamingResponse(iter(["<html><he", "ad></head>", "</html>"]), media_type="text/html")


async def plain(request: Request) -> Response:
    return PlainTextResponse("<head> is a word")


APP = Starlette(routes=[Route("/", page), Route("/parts", parts), Route("/_stcore/health", plain)])


def client(app: ASGIApp) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://dashboard")


def get(app: ASGIApp, path: str, **more: dict[str, str]) -> httpx.Response:
    async def ask() -> httpx.Response:
        async with client(app) as session:
            return await session.get(path, **more)  # type: ignore[arg-type]

    return asyncio.run(ask())


def post(app: ASGIApp, path: str, **fields: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        async with client(app) as session:
            return await session.post(path, data=fields)

    return asyncio.run(ask())


@pytest.mark.parametrize("path", ["/", "/parts"])
def test_a_document_is_dark_unless_its_user_chose(path: str) -> None:
    answer = get(DocumentScriptsMiddleware(APP), path)
    assert answer.content.count(THEME_SCRIPT) == 1
    assert answer.content.startswith(b"<html><head><script>")
    assert int(answer.headers.get("content-length", len(answer.content))) == len(answer.content)


def test_a_response_that_is_no_document_passes_as_it_is() -> None:
    assert get(DocumentScriptsMiddleware(APP), "/_stcore/health").text == "<head> is a word"


def test_the_dashboard_shows_nothing_without_the_token() -> None:
    answer = get(SignInMiddleware(APP, [TOKEN]), "/?range=7d")
    assert answer.status_code == 401
    assert 'action="/?range=7d"' in answer.text
    assert "<title>x" not in answer.text


def test_the_right_token_opens_the_page_that_was_asked_for() -> None:
    app = SignInMiddleware(APP, [TOKEN])
    answer = post(app, "/?range=7d", token=TOKEN)
    assert (answer.status_code, answer.headers["location"]) == (303, "/?range=7d")
    assert "httponly" in answer.headers["set-cookie"].lower()
    assert TOKEN not in answer.headers["set-cookie"]
    assert get(app, "/", headers={"cookie": f"{COOKIE_NAME}={answer.cookies[COOKIE_NAME]}"}).status_code == 200


def test_a_cookie_of_another_token_is_worth_nothing() -> None:
    answer = post(SignInMiddleware(APP, ["another"]), "/", token="another")
    assert (
        get(
            SignInMiddleware(APP, [TOKEN]), "/", headers={"cookie": f"{COOKIE_NAME}={answer.cookies[COOKIE_NAME]}"}
        ).status_code
        == 401
    )


@given(st.text(max_size=300))
def test_a_wrong_token_gets_the_form_again(guess: str) -> None:
    answer = post(SignInMiddleware(APP, [TOKEN]), "/", token=guess)
    assert answer.status_code == 401
    assert "That is not the token" in answer.text


def test_an_endless_form_is_not_read() -> None:
    assert post(SignInMiddleware(APP, [TOKEN]), "/", token="x" * 10**6).status_code == 401


def test_a_sign_in_never_leads_to_another_host() -> None:
    answer = post(SignInMiddleware(APP, [TOKEN]), "//evil.example/%2e%2e", token=TOKEN)
    assert not answer.headers["location"].startswith("//")


def test_an_address_cannot_become_markup_of_the_form() -> None:
    assert "<script>" not in get(SignInMiddleware(APP, [TOKEN]), '/"><script>alert(1)</script>?"><script>').text


def test_a_supervisor_sees_health_without_signing_in() -> None:
    assert get(SignInMiddleware(APP, [TOKEN]), "/_stcore/health").status_code == 200


def test_a_websocket_without_the_cookie_is_closed() -> None:
    sent: list[Message] = []

    async def run() -> None:
        async def receive() -> Message:
            return {"type": "websocket.connect"}

        async def send(message: Message) -> None:
            sent.append(message)

        await SignInMiddleware(APP, [TOKEN])(
            {"type": "websocket", "path": "/_stcore/stream", "headers": []}, receive, send
        )

    asyncio.run(run())
    assert [message["type"] for message in sent] == ["websocket.close"]


def test_users_sign_in_with_tokens_of_their_own() -> None:
    app = SignInMiddleware(APP, [TOKEN, "olga's token"])
    cookies = [post(app, "/", token=each).cookies[COOKIE_NAME] for each in (TOKEN, "olga's token")]
    assert [get(app, "/", headers={"cookie": f"{COOKIE_NAME}={each}"}).status_code for each in cookies] == [200, 200]
    assert cookies[0] != cookies[1]


def test_a_cookie_says_whose_token_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTROLSURFACE_TOKEN", TOKEN)
    monkeypatch.setenv(USERS_ENVIRONMENT, '{"olga\'s token": "olga"}')
    assert users_by_token() == {TOKEN: "", "olga's token": "olga"}
    assert (
        users_by_token()[visitor.cookie_owner(visitor.issue_cookie("olga's token"), users_by_token(), age_s=60)]
        == "olga"
    )
    assert visitor.cookie_owner(visitor.issue_cookie("nobody's"), users_by_token(), age_s=60) == ""


def test_two_sign_ins_of_one_token_have_two_cookies() -> None:
    assert visitor.issue_cookie(TOKEN, now=1000) != visitor.issue_cookie(TOKEN, now=1000)


@pytest.mark.parametrize(("at", "found"), [(1000, TOKEN), (1060, TOKEN), (1061, ""), (990, "")])
def test_a_session_ends_when_it_is_too_old_and_was_not_issued_in_the_future(at: float, found: str) -> None:
    assert visitor.cookie_owner(visitor.issue_cookie(TOKEN, now=1000), [TOKEN], age_s=60, now=at) == found


def test_a_session_cannot_be_made_younger() -> None:
    name, _, proof = visitor.issue_cookie(TOKEN, now=1000).split(".")
    assert visitor.cookie_owner(f"{name}.9000.{proof}", [TOKEN], age_s=60, now=9000) == ""


def test_a_sign_out_ends_the_session_for_whoever_has_its_cookie() -> None:
    app = SignInMiddleware(APP, [TOKEN])
    signed_in = {"cookie": f"{COOKIE_NAME}={post(app, '/', token=TOKEN).cookies[COOKIE_NAME]}"}
    assert "Sign out" in get(app, "/signout", headers=signed_in).text
    assert get(app, "/", headers=signed_in).status_code == 200
    answer = asyncio.run(client(app).post("/signout", headers=signed_in))
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert get(app, "/", headers=signed_in).status_code == 401


def test_token_guesses_are_throttled_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    app = SignInMiddleware(APP, [TOKEN], AuthConfig(max_failures=3))
    statuses = [post(app, "/", token=f"guess {i}").status_code for i in range(6)]
    assert statuses == [401, 401, 401, 429, 429, 429]
    late = post(app, "/", token=TOKEN)  # a guesser never learns that this one was right
    assert (late.status_code, COOKIE_NAME in late.cookies) == (429, False)
    assert 1 <= int(late.headers["retry-after"]) <= 60
    assert [record.message for record in caplog.records] == [
        "dashboard: 127.0.0.1 has shown a token that nobody has",
        "dashboard: 127.0.0.1 has shown 3 wrong tokens and waits 60 s",
    ]


def test_users_have_no_names_without_a_token_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(USERS_ENVIRONMENT, '{"olga\'s token": "olga"}')
    assert users_by_token() == {}
