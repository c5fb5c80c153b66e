"""The sessions of the benchmark ask as those of the dashboard do."""

from datetime import timedelta

from controlsurface.bench.page_queries import SharedAnswersReader, time_panels
from controlsurface.client import LocalClient
from controlsurface.client.result_cache import SharedResults
from tests.seed import NOW

DAY = timedelta(days=1)


def test_a_query_of_two_dashboard_sessions_is_run_once(reader: LocalClient) -> None:
    answers = SharedResults[object](timedelta(minutes=1), 512)
    first, second = (SharedAnswersReader(reader, answers) for _ in range(2))
    asked = list(time_panels(first, NOW - DAY, NOW, ["overview"]))
    list(time_panels(second, NOW - DAY, NOW, ["overview"]))
    assert (len(first.seconds), len(second.seconds)) == (len(asked), 0)
    list(time_panels(second, NOW - 2 * DAY, NOW, ["overview"]))
    assert len(second.seconds) == len(asked)
