"""The sessions of the benchmark ask as those of the dashboard do."""

from datetime import timedelta

from controlsurface.bench.panels import panels
from controlsurface.bench.sessions import Sharing
from controlsurface.reader import LocalReader
from controlsurface.reader.answers import Answers
from tests.seed import NOW

DAY = timedelta(days=1)


def test_what_two_sessions_look_at_is_asked_once(reader: LocalReader) -> None:
    answers = Answers[object](timedelta(minutes=1), 512)
    first, second = (Sharing(reader, answers) for _ in range(2))
    asked = list(panels(first, NOW - DAY, NOW, ["overview"]))
    list(panels(second, NOW - DAY, NOW, ["overview"]))
    assert (len(first.seconds), len(second.seconds)) == (len(asked), 0)
    list(panels(second, NOW - 2 * DAY, NOW, ["overview"]))
    assert len(second.seconds) == len(asked)
