"""What-if between two of three lanes: its figures are those of plain means over the requests that were made."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pyarrow as pa
import pytest

from controlsurface.audit.what_if_query import WhatIfArgs, WhatIfQuery
from controlsurface.cli import run_command
from controlsurface.client import LocalClient
from controlsurface.config import Config, LaneConfig
from controlsurface.errors import BadRequest, UnknownName
from controlsurface.store.duckdb import DuckStore

LANES = {"small": LaneConfig(), "mid": LaneConfig(), "large": LaneConfig(escalation=True)}
USD = {"small": 0.001, "mid": 0.004, "large": 0.02}
_REQUESTS = """
INSERT INTO requests BY NAME
SELECT
    'r' || i AS request_id, printf('%032x', i)::UUID AS trace_id, 1 AS span_id,
    TIMESTAMP '2026-01-01' + to_seconds(i) AS started_at, 20 AS duration_ms, 'chat' AS task_type,
    confidence, 'probability' AS confidence_kind, lane, lane = 'large' AS escalated,
    1 AS attempts, 0 AS failed_attempts, 1 AS steps, 0 AS retries, false AS fell_back,
    false AS failed, usd AS cost_usd, true AS priced, 1 AS sample_weight
FROM made WHERE NOT shadow
"""
_ATTEMPTS = """
INSERT INTO attempts BY NAME
SELECT
    i || lane || shadow AS attempt_id, CASE WHEN NOT shadow THEN 'r' || i END AS request_id,
    printf('%032x', i)::UUID AS trace_id, place AS span_id, TIMESTAMP '2026-01-01' + to_seconds(i) AS started_at,
    10 AS duration_ms, CASE WHEN shadow THEN 'shadow' ELSE 'user' END AS purpose, lane, false AS failed,
    true AS billable, usd AS cost_usd, CASE WHEN ok THEN 'correct' ELSE 'wrong' END AS answer_label,
    CASE WHEN shadow THEN 'r' || i END AS shadow_of, CASE WHEN shadow THEN 1 END AS sampling_probability,
    'chat' AS task_type, 1 AS sample_weight
FROM made
"""


@dataclass(frozen=True)
class Asked:
    """A request: its confidence, the lane that answered, and which lanes are right."""

    confidence: float
    lane: str
    right: dict[str, bool]


def requests() -> list[Asked]:
    random = Random(4)
    made = []
    for _ in range(900):
        confidence = random.randrange(100) / 100
        lane = "large" if confidence < 0.2 else "mid" if confidence < 0.55 else "small"
        chance = {"small": confidence, "mid": 0.3 + 0.6 * confidence, "large": 0.95}
        made.append(Asked(confidence, lane, {each: random.random() < p for each, p in chance.items()}))
    return made


MADE = requests()


def fill(store: DuckStore) -> None:
    """Every request is shadowed by both other lanes."""
    rows = [
        {
            "i": i, "confidence": each.confidence, "lane": lane, "usd": USD[lane], "ok": each.right[lane],
            "shadow": lane != each.lane, "place": place,
        }
        for i, each in enumerate(MADE)
        for place, lane in enumerate(LANES, 2)
    ]  # fmt: skip
    with store.writing() as writing:
        writing.attach("made", pa.Table.from_pylist(rows))
        writing.execute(_REQUESTS)
        writing.execute(_ATTEMPTS)


@pytest.fixture(scope="module")
def reader() -> Iterator[LocalClient]:
    store = DuckStore.in_memory()
    fill(store)
    reader = LocalClient(store, config=Config(lanes=LANES))
    yield reader
    reader.close()


@pytest.mark.parametrize(("lower", "upper"), [("small", "mid"), ("mid", "large"), ("small", "large")])
def test_requests_of_two_lanes_move_only_to_each_other_between_them(
    reader: LocalClient, lower: str, upper: str
) -> None:
    mine = [each for each in MADE if each.lane in (lower, upper)]
    asked = WhatIfArgs(task_type="chat", thresholds="0.1,0.4,0.6,0.9", from_lane=lower, to_lane=upper)
    answer = reader.run(WhatIfQuery(asked))
    assert (answer.facts["from_lane"], answer.facts["to_lane"]) == (lower, upper)
    for row in answer.rows.to_pylist():
        goes = [upper if each.confidence < row["threshold"] else lower for each in mine]
        right = [each.right[lane] for each, lane in zip(mine, goes, strict=True)]
        assert row["n"] == len(mine)
        assert row["escalation_rate"] == pytest.approx(goes.count(upper) / len(mine))
        assert row["quality"] == pytest.approx(sum(right) / len(mine))
        assert row["cost_usd"] == pytest.approx(sum(USD[lane] for lane in goes) / len(mine))


def test_a_what_if_of_one_lane_the_same_lane_twice_or_an_unknown_lane_is_refused(reader: LocalClient) -> None:
    for given in ({"from_lane": "small"}, {"to_lane": "mid"}, {"from_lane": "mid", "to_lane": "mid"}):
        with pytest.raises(BadRequest, match="two lanes of small, mid, large"):
            reader.run(WhatIfQuery(WhatIfArgs.model_validate(given)))
    with pytest.raises(UnknownName, match="no lane named 'mdi'; did you mean 'mid'"):
        reader.run(WhatIfQuery(WhatIfArgs(from_lane="small", to_lane="mdi")))


def test_the_whatif_command_takes_two_lanes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = DuckStore.open(tmp_path / "data")
    fill(store)
    store.close()
    (tmp_path / "lanes.toml").write_text("[lanes.small]\n[lanes.mid]\n[lanes.large]\nescalation = true\n")
    head = ["--config", str(tmp_path / "lanes.toml"), "whatif", "--data", str(tmp_path / "data")]
    assert run_command([*head, "--thresholds", "0.6", "--from-lane", "small", "--to-lane", "mid", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    mine = [each for each in MADE if each.lane != "large"]
    assert {row["n"] for row in found["rows"]} == {len(mine)}
    up = sum(each.confidence < 0.6 for each in mine)
    assert found["rows"][0]["escalation_rate"] == pytest.approx(up / len(mine))
