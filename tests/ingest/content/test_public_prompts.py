"""Prompts and answers under names that nobody listed, as public threads show that senders write them."""

import json
from pathlib import Path
from typing import Any

import pytest

from controlsurface.ingest.content import ContentPolicy
from controlsurface.ingest.validation.validate import validate_body

CASES = {path.stem: json.loads(path.read_text("utf-8")) for path in (Path(__file__).parent / "public").glob("*.json")}
MARKS = (b"PROMPTMARK", b"ANSWERMARK", b"SYSTEMMARK")


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_content_that_a_public_thread_shows_to_leak_is_dropped_and_the_facts_beside_it_stay(
    nothing_kept: ContentPolicy, case: dict[str, Any]
) -> None:
    body = json.dumps(case["body"]).encode()
    assert any(mark in body for mark in MARKS)
    payload = validate_body(case["signal"], body, "json", nothing_kept).payload
    assert not [mark for mark in MARKS if mark in payload]
    assert not [key for key in case["kept"] if key.encode() not in payload]
    assert b"[dropped: " in payload
