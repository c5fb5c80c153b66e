"""YAML as LiteLLM reads it, which is PyYAML's: version 1.1, in which `on` is true, and of equal keys the last holds."""

from collections.abc import Mapping
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.representer import SafeRepresenter


class _Constructor(SafeConstructor):
    """What PyYAML makes of a scalar: `y` and `1e3` are texts."""

    def check_mapping_key(self, *about: object) -> bool:
        """Take every key."""
        return True

    def construct_yaml_bool(self, node: ScalarNode) -> Any:
        """True and false have two letters at least."""
        return super().construct_yaml_bool(node) if len(node.value) > 1 else node.value

    def construct_yaml_float(self, node: ScalarNode) -> Any:
        """A number with an exponent has a point."""
        return super().construct_yaml_float(node) if "." in node.value else node.value


class _Representer(SafeRepresenter):
    def represent_str(self, data: str) -> ScalarNode:
        """Escape what is no printable sign: ruamel.yaml would write some of them as breaks of a line."""
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=None if data.isprintable() else '"')


_Constructor.add_constructor("tag:yaml.org,2002:bool", _Constructor.construct_yaml_bool)
_Constructor.add_constructor("tag:yaml.org,2002:float", _Constructor.construct_yaml_float)
_Representer.add_representer(str, _Representer.represent_str)


def read_yaml(text: str | bytes) -> Any:
    """The document as plain values. Raises YAMLError."""
    return _yaml().load(text)


def write_yaml(value: Mapping[str, Any]) -> str:
    """A mapping as block text, its keys in their order."""
    text = StringIO()
    _yaml().dump(dict(value), text)
    return text.getvalue().removeprefix("%YAML 1.1\n---\n")


def _yaml() -> Any:
    found: Any = YAML(typ="safe", pure=True)
    found.version = (1, 1)
    found.Constructor, found.Representer = _Constructor, _Representer
    found.default_flow_style = found.sort_base_mapping_type_on_output = False
    return found
