"""Names that OpenTelemetry's attribute registry publishes and whose values are identities, kinds, states or numbers.

The registry is that of the installed package opentelemetry-semantic-conventions. It names free text as well
(`exception.message`, `db.query.text`, `gen_ai.input.messages`), so a name counts only where its last word says what
its value is.
"""

import re
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

_PACKAGES = ("opentelemetry.semconv.attributes", "opentelemetry.semconv._incubating.attributes")
_TEMPLATE_PREFIX = "_TEMPLATE"  # the beginning of names such as http.request.header.X, whose values may be anything
_HARMLESS_LAST_WORDS = frozenset(
    "address arch arn code digest domain environment flavor hash host hostname id ids ip kind language mac method mode "
    "model name names namespace phase platform port protocol provider reasons region role route scheme service state "
    "status system tier transport type uid uuid vendor version zone "
    "count dimension k length number p penalty pid seed size stream temperature tokens".split()
)


@cache
def harmless_names() -> frozenset[str]:
    """The published names, of more than one word, whose last word tells an identity, a kind, a state or a number."""
    return frozenset(name for name in registry_names() if "." in name and last_word(name) in _HARMLESS_LAST_WORDS)


def registry_names() -> frozenset[str]:
    """Every attribute name of the installed registry; none where the package has another shape."""
    try:
        found = [f"{package}.{each.name}" for package in _PACKAGES for each in iter_modules(_path(package))]
    except ImportError:
        return frozenset()
    constants = (item for module in found for item in vars(import_module(module)).items())
    return frozenset(
        value
        for name, value in constants
        if name.isupper() and not name.endswith(_TEMPLATE_PREFIX) and isinstance(value, str)
    )


def last_word(name: str) -> str:
    """The last word of a name.

    >>> last_word("gen_ai.response.finish_reasons"), last_word("user.message")
    ('reasons', 'message')
    """
    return re.split(r"[._]", name)[-1]


def _path(package: str) -> list[str]:
    return list(import_module(package).__path__)
