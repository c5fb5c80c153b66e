"""The way in that `import` uses."""

import pytest

from controlsurface.errors import BadBody, Busy
from controlsurface.ingest.body import Body
from controlsurface.ingest.check import Checked
from tests.receivers.bodies import body
from tests.receivers.conftest import Site


def test_a_body_is_durable_when_it_is_taken(site: Site) -> None:
    sent = body(3)
    assert site.intake.take(Body("traces", sent)) == Checked(sent, 3)
    assert [record.payload for record in site.records()] == [sent]


def test_a_body_whose_sender_gave_up_meanwhile_is_not_kept(site: Site) -> None:
    with pytest.raises(Busy, match="gave up"):
        site.intake.take(Body("traces", body(), patience_s=0))
    assert site.records() == []


def test_a_bad_body_is_an_error_and_leaves_nothing_occupied(site: Site) -> None:
    with pytest.raises(BadBody):
        site.intake.take(Body("traces", b"\xff"))
    assert site.intake._occupied == 0
