"""What a page shows of an answer that the collector refuses."""

from streamlit.testing.v1 import AppTest


def too_large() -> None:
    from controlsurface.errors import TooMuch  # noqa: PLC0415 - the function is a script of its own
    from controlsurface.ui.data.collector_queries import run_or_show_error  # noqa: PLC0415

    def ask() -> None:
        raise TooMuch("metrics.query needs more memory than limits.query_memory; take a narrower window")

    run_or_show_error(ask)


def test_a_result_that_is_too_large_is_a_state_with_its_reason_and_no_exception() -> None:
    page = AppTest.from_function(too_large).run()
    assert not page.exception
    assert any("limits.query_memory; take a narrower window." in each.body for each in page.html)
