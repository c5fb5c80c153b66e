"""A page that is left while it is drawn leaves nothing behind: the one that was chosen last is shown, whole.

Streamlit pages stayed blank, or kept parts of the page before (streamlit/streamlit 8208, 9259, 7954).
"""

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect
from streamlit.proto.BackMsg_pb2 import BackMsg

from tests.browser.gestures import ready, settled


@pytest.mark.parametrize("pages", [("Data", "Cost"), ("Data", "What-if", "Routing")] * 2)
def test_the_page_chosen_last_is_shown_though_those_before_were_still_drawn(
    page: Page, url: str, pages: tuple[str, ...]
) -> None:
    page.goto(f"{url}/routing", wait_until="commit")
    for name in pages:
        page.get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(pages[-1])
    expect(page.locator(".cs-title").first).to_be_visible(timeout=30_000)
    settled(page)
    expect(page.get_by_role("heading", level=1)).to_have_count(1)


def test_a_page_chosen_in_the_menu_comes_with_its_filters_though_the_request_for_it_is_lost(
    page: Page, url: str
) -> None:
    lost: list[str | bytes] = []
    chosen = False

    def lose_first(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()

        def pass_on(message: str | bytes) -> None:
            if chosen and not lost:
                lost.append(message)
            else:
                server.send(message)

        socket.on_message(pass_on)

    page.route_web_socket("**/_stcore/stream", lose_first)
    ready(page, f"{url}/alerts?range=7d&lane=large", ".cs-table")
    settled(page)
    chosen = True
    page.get_by_role("link", name="Routing").click()
    page.wait_for_url("**/routing?*lane=large*")
    assert len(lost) == 1


def test_an_address_keeps_its_window_though_the_request_for_it_tells_of_no_control(page: Page, url: str) -> None:
    """On a busy machine the app asks for a page without the states of its controls; Streamlit took them for gone."""
    chosen = False
    emptied: list[bytes] = []

    def empty_first(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()

        def pass_on(message: str | bytes) -> None:
            if chosen and not emptied and isinstance(message, bytes):
                asked = BackMsg.FromString(message)
                asked.rerun_script.widget_states.Clear()
                message = asked.SerializeToString()
                emptied.append(message)
            server.send(message)

        socket.on_message(pass_on)

    page.route_web_socket("**/_stcore/stream", empty_first)
    ready(page, f"{url}/alerts?range=7d&lane=large", ".cs-table")
    settled(page)
    chosen = True
    page.get_by_text("Inspect").first.click()
    page.get_by_text("Clear the selection").wait_for()
    settled(page)
    asked = parse_qs(urlsplit(page.url).query)
    assert (asked["range"], asked["task_type"]) == (["custom"], ["code"])
    assert len(emptied) == 1
