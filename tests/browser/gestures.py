"""What a user's hands do in a page."""

from playwright.sync_api import Page

ROW = 31  # pixels
TABLE = '[data-testid="stDataFrame"]'
CHART = '[data-testid="stPlotlyChart"]'


def ready(page: Page, address: str, mark: str = ".cs-tile") -> None:
    """Open an address and wait until the script behind it has run."""
    page.goto(address)
    page.wait_for_selector(mark)
    settled(page)


def settled(page: Page) -> None:
    """Wait until nothing runs."""
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')


def choose(page: Page, row: int) -> None:
    """Click the box in front of a row, once the table has its place."""
    page.wait_for_selector(f"{TABLE} canvas")
    page.locator(TABLE).first.click(position={"x": 18, "y": ROW * (row + 1) + ROW / 2})


def draw(page: Page, chart: int, width: int = 200) -> None:
    """Draw a box in a chart, once plotly listens there and nothing above moves it any more."""
    found = page.locator(CHART).nth(chart)
    found.locator(".nsewdrag").first.wait_for()
    found.hover(position={"x": 200, "y": 70})
    box = found.bounding_box()
    assert box is not None
    page.mouse.down()
    page.mouse.move(box["x"] + 200 + width, box["y"] + 130, steps=5)
    page.mouse.up()
