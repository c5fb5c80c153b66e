"""The examples in the documentation do what their text says."""

import re
import tomllib

from controlsurface import config
from controlsurface.ingest.conventions import Vocabulary
from tests.project import tree

MARKED = re.compile(r"<!-- test: (\w+) -->\n```\w+\n(.*?)^```", re.DOTALL | re.MULTILINE)


def example(document: str, name: str) -> str:
    found = {m[1]: m[2] for m in MARKED.finditer((tree.ROOT / document).read_text("utf-8"))}
    return found[name]


def test_the_configuration_example_is_one() -> None:
    parsed = config.parse(tomllib.loads(example("README.md", "configuration")), "README.md")
    assert list(parsed.lanes) == ["small", "large"]


def test_the_vocabulary_example_is_one() -> None:
    vocabulary = Vocabulary.model_validate(tomllib.loads(example("collectors/README.md", "vocabulary")))
    assert vocabulary.name == "acme"
