"""The way in that `import` uses."""

import pytest

from controlsurface.errors import BadBody, Busy
from controlsurface.ingest.validation.validate import ValidatedBody
from controlsurface.ingest.wire.otlp_request import RequestBody
from tests.ingest.conftest import Site
from tests.ingest.otlp_bodies import body


def test_a_body_is_durable_when_it_is_taken(site: Site) -> None:
    sent = body(3)
    assert site.intake.take(RequestBody("traces", sent)) == ValidatedBody(sent, 3)
    assert [record.payload for record in site.records()] == [sent]


def test_a_body_whose_sender_gave_up_meanwhile_is_not_kept(site: Site) -> None:
    with pytest.raises(Busy, match="gave up"):
        site.intake.take(RequestBody("traces", body(), patience_s=0))
    assert site.records() == []


def test_a_bad_body_is_an_error_and_leaves_nothing_occupied(site: Site) -> None:
    with pytest.raises(BadBody):
        site.intake.take(RequestBody("traces", b"\xff"))
    assert site.intake._occupied == 0
