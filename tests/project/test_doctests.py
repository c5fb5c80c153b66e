"""Examples in docstrings do what they say."""

import doctest
from importlib import import_module

import pytest

from tests.project import tree

WITH_EXAMPLES = [path for path in tree.sources("controlsurface") if "\n    >>> " in path.read_text("utf-8")]


@pytest.mark.parametrize("name", [tree.name(path).removesuffix(".py").replace("/", ".") for path in WITH_EXAMPLES])
def test_examples_in_docstrings_do_what_they_say(name: str) -> None:
    said = doctest.testmod(import_module(name.removesuffix(".__init__")))
    assert said.attempted
    assert not said.failed
