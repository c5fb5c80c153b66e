"""Words that commands write; nothing a sender wrote reaches a terminal raw.

A name can hold escape sequences that a terminal obeys (CVE-2021-25743, kubectl), and signs that turn a line around
(CVE-2021-42574, "Trojan Source"). People see them escaped; in JSON they are escaped in any case, and files have them
as they are.
"""

import re

import click

# Control characters, line separators, signs of direction, halves of surrogate pairs; words may have breaks and tabs.
_INVISIBLE_CHARACTERS = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff"
IN_WORDS, _IN_CELL = re.compile(f"[{_INVISIBLE_CHARACTERS}]"), re.compile(f"[{_INVISIBLE_CHARACTERS}\t\n]")


def print_text(text: object) -> None:
    """Words, or text for people: what a terminal would obey is shown."""
    click.echo(escape_control_characters(str(text), IN_WORDS))


def print_note(text: str) -> None:
    """Words beside the data, on standard error."""
    click.echo(escape_control_characters(text, IN_WORDS), err=True)


def escape_control_characters(text: str, unseen: re.Pattern[str] = _IN_CELL) -> str:
    r"""The text with everything shown that does something else than being seen.

    >>> escape_control_characters("\x1b[31m\u202ex\n")
    '\\x1b[31m\\u202ex\\n'
    """
    return unseen.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
