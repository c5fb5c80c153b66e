"""A policy that was exported for LiteLLM is loaded by LiteLLM itself, and routes as it says."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from controlsurface.cli import run
from controlsurface.store.duckdb import DuckStore
from tests.serve.test_litellm import PYTHON

# A judge that gives the small lane 0.65 whatever is asked. Its proxy would read the file in the same way.
PROGRAM = """
import asyncio, json, sys
import yaml
from litellm import Router

VERDICT = {"crux": "a greeting", "primary_rule": "SUP-1", "capability_boundary": "supported", "p_solve": 0.65}

def deployment(name, reply):
    about = {"model": f"openai/{name}", "api_key": "none", "mock_response": reply}
    return {"model_name": name, "litellm_params": about}

models = [*(deployment(name, "hi") for name in ("mini", "gpt-5")), deployment("judge", json.dumps(VERDICT))]
exported = yaml.safe_load(sys.stdin.read())["model_list"]
router = Router(model_list=[*models, *exported])

async def answered_by(name):
    return (await router.acompletion(model=name, messages=[{"role": "user", "content": "hello"}])).model

async def main():
    return {each["model_name"]: await answered_by(each["model_name"]) for each in exported}

print(json.dumps(asyncio.run(main())))
"""


def test_litellm_holds_the_thresholds_of_an_exported_policy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if not PYTHON.exists():
        pytest.skip("LiteLLM is not installed; make test installs it")
    DuckStore.open(tmp_path).close()
    chosen = ["--threshold", "chat=0.7", "--threshold", "rag_answer=0.65", "--tier", "code=large"]
    said = ["--default-threshold", "0.6", "--why", "a test", "--data", str(tmp_path)]
    assert run(["policy", "set", *chosen, *said]) == 0
    capsys.readouterr()
    names = ["--small", "mini", "--large", "gpt-5", "--judge", "judge"]
    assert run(["policy", "export", "--format", "litellm", *names, "--data", str(tmp_path)]) == 0
    environment = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    done = subprocess.run(
        [PYTHON, "-c", PROGRAM],
        input=capsys.readouterr().out,
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answered = json.loads(done.stdout.splitlines()[-1])
    assert answered == {"auto-default": "mini", "auto-chat": "gpt-5", "auto-rag_answer": "mini", "auto-code": "gpt-5"}
