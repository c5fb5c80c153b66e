"""What the benchmark asks is what pages may ask."""

from datetime import timedelta

from controlsurface.bench.panels import panels
from controlsurface.reader import LocalReader
from tests.seed import NOW


def test_every_question_of_the_benchmark_has_an_answer(reader: LocalReader) -> None:
    asked = list(panels(reader, NOW - timedelta(days=1), NOW))
    assert len(asked) > 25
    assert all(each.seconds > 0 for each in asked)
