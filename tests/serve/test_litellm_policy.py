"""A policy that was exported for LiteLLM is loaded by LiteLLM itself, and routes as it says."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from controlsurface.cli import run_command
from controlsurface.store.duckdb import DuckStore
from tests.serve.test_litellm import INSTALLED, PYTHON

# A judge that gives the small lane 0.65 whatever is asked. Its proxy would read the file in the same way.
PROGRAM = """
import asyncio, json, sys
import yaml
from litellm import Router

VERDICT = {"crux": "a greeting", "primary_rule": "SUP-1", "capability_boundary": "supported", "p_solve": 0.65}

def deployment(name, reply):
    about = {"model": f"openai/{name}", "api_key": "none", "mock_response": reply}
    return {"model_name": name, "litellm_params": about}

read = yaml.safe_load(sys.stdin.read())
exported = read["model_list"]

def router_while(failing):
    names = ("mini", "gpt-5-mini", "gpt-5")
    answers = {name: "litellm.InternalServerError" if name in failing else "hi" for name in names}
    models = [*(deployment(*each) for each in answers.items()), deployment("judge", json.dumps(VERDICT))]
    return Router(model_list=[*models, *exported], num_retries=0, **read.get("router_settings", {}))

async def answered_by(router, name):
    return (await router.acompletion(model=name, messages=[{"role": "user", "content": "hello"}])).model

async def answers_while(failing):
    router = router_while(failing)
    return {each["model_name"]: await answered_by(router, each["model_name"]) for each in exported}

async def main():
    return [await answers_while(each.split(",")) for each in sys.argv[1:]]

print(json.dumps(asyncio.run(main())))
"""


LANES = """
[lanes.small]
[lanes.mid]
[lanes.large]
escalation = true
"""
THREE = ["--model", "small=mini", "--model", "mid=gpt-5-mini", "--model", "large=gpt-5"]
LADDER = ["--threshold", "chat=0.7", "--threshold", "rag=0.65", "--tier", "summ=mid", "--tier", "code=large"]
ROUND = [
    "--threshold",
    "plan=0.8",
    "--escalate-to",
    "plan=mid",
    "--fallback",
    "small=mid,large",
    "--fallback",
    "mid=large",
]


def answered_by(text: str, folder: Path, *failing: str) -> list[Any]:
    """The model that answers each exported router, while some models fail: for each word, models with commas."""
    if not INSTALLED.exists():
        pytest.skip("LiteLLM is not installed; make test installs it where it can be had")
    environment = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    asked = [str(PYTHON), "-c", PROGRAM, *failing]
    done = subprocess.run(
        asked, input=text, env=environment, cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    found: list[Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_litellm_holds_the_thresholds_of_an_exported_policy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    DuckStore.open(tmp_path).close()
    chosen = ["--threshold", "chat=0.7", "--threshold", "rag_answer=0.65", "--tier", "code=large"]
    said = ["--default-threshold", "0.6", "--why", "a test", "--data", str(tmp_path)]
    assert run_command(["policy", "set", *chosen, *said]) == 0
    capsys.readouterr()
    names = ["--small", "mini", "--large", "gpt-5", "--judge", "judge"]
    assert run_command(["policy", "export", "--format", "litellm", *names, "--data", str(tmp_path)]) == 0
    (answered,) = answered_by(capsys.readouterr().out, tmp_path, "none")
    assert answered == {
        "auto-default": "mini",
        "auto-chat": "gpt-5",
        "auto-rag_answer": "mini",
        "auto-code": "gpt-5",
    }


@pytest.fixture
def three(tmp_path: Path) -> list[str]:
    """What comes before a command about a store with three lanes."""
    DuckStore.open(tmp_path).close()
    (tmp_path / "lanes.toml").write_text(LANES)
    return ["--config", str(tmp_path / "lanes.toml"), "policy"]


def exported(three: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    names = [*THREE, "--judge", "judge", "--data", str(tmp_path)]
    assert run_command([*three, "export", "--format", "litellm", *names]) == 0
    return capsys.readouterr().out


def test_litellm_routes_over_three_lanes_and_falls_back_as_the_policy_says(
    three: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command([*three, "set", *LADDER, *ROUND, "--why", "a test", "--data", str(tmp_path)]) == 0
    text = exported(three, tmp_path, capsys)
    whole = {"auto-default": "mini", "auto-chat": "gpt-5", "auto-rag": "mini"}
    whole |= {"auto-summ": "gpt-5-mini", "auto-code": "gpt-5", "auto-plan": "gpt-5-mini"}
    up = {"mini": "gpt-5-mini"}
    one_fails = {name: up.get(model, model) for name, model in whole.items()}
    two_fail = dict.fromkeys(whole, "gpt-5")
    assert answered_by(text, tmp_path, "none", "mini", "mini,gpt-5-mini") == [whole, one_fails, two_fail]


def test_a_policy_that_is_exported_and_imported_is_exported_the_same_again(
    three: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command([*three, "set", *LADDER, *ROUND, "--why", "a test", "--data", str(tmp_path)]) == 0
    first = exported(three, tmp_path, capsys)
    (tmp_path / "config.yaml").write_text(first)
    again = [str(tmp_path / "config.yaml"), *THREE, "--why", "back", "--data", str(tmp_path)]
    assert run_command([*three, "import", "--format", "litellm", *again]) == 0
    second = exported(three, tmp_path, capsys)
    assert first.partition("model_list")[2] == second.partition("model_list")[2]
