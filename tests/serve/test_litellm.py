"""LiteLLM, with its own OpenTelemetry callback and a mocked provider, shows up with model, tokens and team."""

import os
import subprocess
from pathlib import Path

import pytest

from controlsurface.metrics.query import QueryArgs
from tests.launch import collector, until

PYTHON = Path(__file__).parents[2] / ".cache" / "litellm" / "bin" / "python"
PROGRAM = """
import litellm
litellm.callbacks = ["otel"]
for model in ("openai/gpt-4o-mini", "openai/gpt-4o"):
    litellm.completion(
        model=model,
        messages=[{"role": "user", "content": "hello"}],
        mock_response="hi",
        metadata={"user_api_key_team_id": "team-billing"},
    )
"""


def test_litellm_is_understood(tmp_path: Path) -> None:
    if not PYTHON.exists():
        pytest.skip("LiteLLM is not installed; make test installs it")
    with collector(tmp_path) as server:
        environment = {
            **os.environ,
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "OTEL_EXPORTER": "otlp_http",
            "OTEL_ENDPOINT": server.ready["otlp_http"],
        }
        subprocess.run([PYTHON, "-c", PROGRAM], env=environment, cwd=tmp_path, timeout=120, check=True)
        reader = server.reader()
        ask = QueryArgs(metric="requests", by=("lane", "team"))
        rows = until(lambda: len(found := reader.query(ask).rows.to_pylist()) == 2 and found)
    assert {(row["lane"], row["team"], row["value"]) for row in rows} == {
        ("small", "team-billing", 1),
        ("large", "team-billing", 1),
    }
