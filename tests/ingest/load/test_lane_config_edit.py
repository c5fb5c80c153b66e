"""A click changes one lane of a configuration file and nothing else in it."""

import pytest

from controlsurface.config import Config
from controlsurface.errors import BadRequest, ConfigError, UnknownName
from controlsurface.lanes.lane_assignment import assign_in_config, matching_lane

FILE = """# ours
[lanes.small]
models = [
    "slm-*",   # both sizes
]

[content]
store = "none"

[lanes.large]
escalation = true  # dear
"""


def test_a_model_joins_a_lane_and_comments_stay() -> None:
    text, config = assign_in_config(FILE, "c.toml", "qwen-x", "small")
    assert config.lanes["small"].models == ("slm-*", "qwen-x")
    assert all(line in text.splitlines() for line in ("# ours", '    "slm-*",   # both sizes', 'store = "none"'))


def test_a_lane_without_models_gets_its_first() -> None:
    text, config = assign_in_config(FILE, "c.toml", "qwen-x", "large")
    assert config.lanes["large"].models == ("qwen-x",)
    assert "escalation = true  # dear" in text


def test_a_model_is_in_one_lane_only() -> None:
    there, _ = assign_in_config(FILE, "c.toml", "qwen-x", "small")
    _, config = assign_in_config(there, "c.toml", "qwen-x", "large")
    assert matching_lane(config.lanes, "qwen-x") == ("large", "qwen-x")
    assert config.lanes["small"].models == ("slm-*",)


def test_a_configuration_without_lanes_gets_those_in_force_beside_the_new_one() -> None:
    _, config = assign_in_config("", "c.toml", "qwen-x", "large")
    usual = Config().lanes
    assert config.lanes["small"] == usual["small"]
    assert config.lanes["large"].models == (*usual["large"].models, "qwen-x")


@pytest.mark.parametrize("model", ["a*b", "a?b", "[ab]", 'a"b', "a\\b"])
def test_a_model_name_is_no_pattern(model: str) -> None:
    _, config = assign_in_config(FILE, "c.toml", model, "small")
    assert matching_lane(config.lanes, model) == ("small", config.lanes["small"].models[-1])
    assert matching_lane(config.lanes, "axb") is None


def test_a_lane_that_comes_first_is_named() -> None:
    with pytest.raises(BadRequest, match=r"c\.toml: lanes\.small comes first and takes 'slm-9' by 'slm-\*'"):
        assign_in_config(FILE, "c.toml", "slm-9", "large")


def test_an_unknown_lane_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UnknownName, match="did you mean 'small'"):
        assign_in_config(FILE, "c.toml", "qwen-x", "smal")


@pytest.mark.parametrize("text", ["lanes = 1", "[lanes.small", "[lanes.small]\nmodel = []"])
def test_an_invalid_configuration_file_stays_as_it_is(text: str) -> None:
    with pytest.raises(ConfigError, match=r"c\.toml: "):
        assign_in_config(text, "c.toml", "qwen-x", "small")
