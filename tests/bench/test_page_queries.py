"""What the benchmark asks is what pages may ask."""

from datetime import timedelta

from controlsurface.bench.page_queries import time_panels
from controlsurface.client import LocalClient
from tests.seed import NOW


def test_every_query_of_the_page_benchmark_has_a_result(reader: LocalClient) -> None:
    asked = list(time_panels(reader, NOW - timedelta(days=1), NOW))
    assert len(asked) > 25
    assert all(each.seconds > 0 for each in asked)
