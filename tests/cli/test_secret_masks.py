"""A printed configuration has no secret in it, whichever key it is under.

The shapes are those of prometheus/alertmanager#2247 (a webhook's path), #1479 (a key in a query), #1765 (a password in
an address) and grafana/mimir#7276.
"""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from controlsurface.cli import run_command
from controlsurface.config import Config, alert_delivery, parse_config
from controlsurface.config.section import SensitiveAddress, SensitiveText
from controlsurface.doctor.config_toml import _marks, mask_address
from controlsurface.errors import ConfigError

TELLING = re.compile(r"token|secret|password|key|url|hook|credential|dashboard")
MARKER = "planted-marker-planted"
FILE = f"""
[auth]
token = "{MARKER}-1"
ingest_token = "{MARKER}-2"
read_token = "{MARKER}-3"
tokens = [{{name = "ana", token = "{MARKER}-4"}}]

[delivery]
dashboard = "https://ops:{MARKER}@cs.example.com"

[delivery.notifiers]
a = {{kind = "webhook", url = "https://hooks.slack.com/services/T0/B0/{MARKER}"}}
b = {{kind = "webhook", url = "https://discord.com/api/webhooks/1/{MARKER}?wait=true"}}
c = {{kind = "webhook", url = "https://h.example/?token={MARKER}"}}
d = {{kind = "alertmanager", url = "https://u:{MARKER}@am.example:9093"}}
e = {{kind = "pagerduty", routing_key = "env:PD", url = "https://events.eu.pagerduty.com/{MARKER}"}}
"""


def fields(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    """Every field that the configuration can have."""
    for name, info in model.model_fields.items():
        yield f"{model.__name__}.{name}", info
        yield from (each for inner in models(info.annotation) for each in fields(inner))


def models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from models(part)


def test_doctor_prints_no_secret(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "c.toml").write_text(FILE)
    assert run_command(["--config", str(tmp_path / "c.toml"), "doctor", "--config"]) == 0
    said = capsys.readouterr().out
    assert MARKER not in said
    assert all(
        each in said for each in ("hooks.slack.com", "cs.example.com", "am.example:9093", 'name = "ana"', "env:PD")
    )


def test_a_text_field_whose_name_sounds_secret_is_one_or_a_reference_to_one() -> None:
    found = dict(fields(Config))
    assert len(found) > 90
    telling = {name: info for name, info in found.items() if TELLING.search(name.rpartition(".")[2])}
    texts = {name: info for name, info in telling.items() if info.annotation is str}
    assert len(texts) >= 10
    for name, info in texts.items():
        kinds = {type(each) for each in (*info.metadata, *_marks(info.annotation))}
        refers = any(getattr(each, "func", None) is alert_delivery._reference for each in info.metadata)
        assert kinds & {SensitiveText, SensitiveAddress} or refers, name


def test_a_printed_configuration_starts_no_server_with_a_token_that_everybody_has_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "c.toml").write_text(FILE)
    run_command(["--config", str(tmp_path / "c.toml"), "doctor", "--config"])
    with pytest.raises(ConfigError, match=r"auth\.token|its owner's alone"):
        parse_config(tomllib.loads(capsys.readouterr().out), "printed")


def test_the_repr_of_a_configuration_has_no_token() -> None:
    assert MARKER not in repr(parse_config({"auth": {"token": f"{MARKER}-1", "read_token": f"{MARKER}-2"}}, "c"))


@pytest.mark.parametrize("text", ["http://[::1", "not an address", "//x:y@h/p", "xoxb-planted"])
def test_a_text_that_is_no_address_is_masked_whole(text: str) -> None:
    assert "planted" not in mask_address(text)
    assert "y@" not in mask_address(text)
