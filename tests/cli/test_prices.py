"""`prices` as a command: what a model costs, rows that no call needs, gaps, and stored calls priced anew."""

import io
import json
import shutil
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from controlsurface.cli import run_command
from tests.ingest.spans import body, call, route

PRICED = "[[price]]\nmodel = 'slm*'\ninput = 1\noutput = 2\n[[price]]\nmodel = 'zzz'\ninput = 1\noutput = 1\n"
LANES = "[lanes.small]\nmodels = ['slm*']\n"
TOKENS: dict[str, Any] = {"gen_ai__usage__input_tokens": 1000, "gen_ai__usage__output_tokens": 500}
EVER = ("--since", "3650d")


def said(*arguments: str | Path) -> tuple[int, str, str]:
    """Exit code, data and words of a command."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = run_command([str(each) for each in arguments])
    return code, out.getvalue(), err.getvalue()


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two requests of a model without a price, and one without known tokens."""
    folder = tmp_path_factory.mktemp("filled")
    (folder / "controlsurface.toml").write_text(LANES)
    unknown = call(2, 1, "slm-9", trace=3, gen_ai__response__id="r")
    lost = {name: value for name, value in unknown.attributes.items() if "usage" not in name}
    spans = [route(1, trace=1), call(2, 1, "slm", trace=1, **TOKENS), call(2, trace=2, model="slm", **TOKENS)]
    (folder / "s.pb").write_bytes(body(*spans, type(unknown)(2, 0, lost, trace=3)))
    code, _, problem = said(
        "--config", folder / "controlsurface.toml", "import", folder / "s.pb", "--data", folder / "data", "--anyway"
    )
    assert code == 0, problem
    return folder


def ask(folder: Path, *arguments: str) -> tuple[int, str, str]:
    return said("--config", folder / "controlsurface.toml", "prices", *arguments, "--data", folder / "data")


def test_show_names_the_users_price_before_the_lists_and_near_names_for_none(tmp_path: Path) -> None:
    (tmp_path / "prices.toml").write_text("[[price]]\nmodel = 'gpt-5-mini'\ninput = 7\noutput = 9\n")
    (tmp_path / "controlsurface.toml").write_text(LANES)
    head = ("--config", tmp_path / "controlsurface.toml", "prices", "show")
    _, text, _ = said(*head, "gpt-5-mini", "--json")
    prices = json.loads(text)["prices"]
    assert (prices[0]["source"], prices[0]["input_usd_per_mtok"]) == ("user", 7)
    assert {row["source"] for row in prices[1:]} == {"genai-prices"}
    code, _, problem = said(*head, "gpt-5-minx")
    assert (code, "gpt-5-mini" in problem) == (4, True)


def test_gaps_are_models_that_a_price_would_price_and_no_others(filled: Path) -> None:
    code, text, words = ask(filled, "gaps", *EVER, "--json")
    (row,) = json.loads(text)
    assert (code, row["model"], row["unpriced"], row["unpriced_tokens"]) == (0, "slm", 2, 3000)
    assert 'model = "slm"' in ask(filled, "gaps", *EVER)[2]
    assert not words


def test_check_names_the_rows_that_no_call_needs(filled: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(filled, tmp_path, dirs_exist_ok=True)
    (folder / "prices.toml").write_text(PRICED)
    code, text, words = ask(folder, "check", *EVER, "--json")
    calls = {row["model"]: row["calls"] for row in json.loads(text)["prices"]}
    assert (code, calls["zzz"]) == (0, 0)
    assert calls["slm*"] >= 2
    assert "'zzz'" in words
    assert "at its next start" in words


def test_a_bad_price_file_is_named_with_its_place(filled: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(filled, tmp_path, dirs_exist_ok=True)
    (folder / "prices.toml").write_text("[[price]]\nmodle = 'slm'\ninput = 1\n")
    code, _, words = ask(folder, "check")
    assert (code, "prices.toml" in words, "modle" in words) == (2, True, True)


def test_reprice_asks_before_it_changes_anything(filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = shutil.copytree(filled, tmp_path, dirs_exist_ok=True)
    (folder / "prices.toml").write_text(PRICED)
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert ask(folder, "reprice")[0] != 0
    _, before, _ = ask(folder, "reprice", "--dry-run", "--json")
    code, text, words = ask(folder, "reprice", "--yes")
    _, after, _ = ask(folder, "reprice", "--dry-run", "--json")
    assert (json.loads(before)["changed"], json.loads(after)["changed"], code) == (2, 0, 0)
    assert "$0.004" in text  # two calls of 1,000 x 1 + 500 x 2 per million
    assert "2 calls repriced" in words
