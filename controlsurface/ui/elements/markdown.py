"""The one way from a value to Streamlit's Markdown: what somebody sent is shown as it is, and means nothing.

Streamlit 1.67 reads every caption, message, label and tooltip as Markdown with tables, links, pictures (which a browser
fetches), LaTeX, coloured text, icons and emoji.
"""

import re

WORD_JOINER = "\N{WORD JOINER}"  # seen by nobody; what is found in plain text by its looks is not found across it

_MARKUP_CHARACTERS = re.compile(
    r"[\\`*\[\]<$~]|(?<![^\W_])_|_(?![^\W_])|&(?=[#\w])|^\s*(?:>|[#+=-]+(?=\s|$)|\d+(?=[.)](?:\s|$)))"
)
_AUTOLINK_CHARACTERS = re.compile(r":(?=[A-Za-z/+_-])|(?i:www)(?=\.)|@(?=\w)")
_LINE_BREAKS = re.compile(r"\s*[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+\s*")


def escape_markdown(value: object) -> str:
    r"""A value as Markdown that shows it, on one line.

    >>> escape_markdown("![x](http://evil/x.png) :red[y]").replace(WORD_JOINER, "|")
    '!\\[x\\](http:|//evil/x.png) :|red\\[y\\]'
    >>> escape_markdown("rag_answer, 12:30, 5 %")
    'rag_answer, 12:30, 5 %'
    """
    line = _LINE_BREAKS.sub(" ", str(value))
    return _AUTOLINK_CHARACTERS.sub(lambda found: found[0] + WORD_JOINER, _MARKUP_CHARACTERS.sub(_escaped, line))


def _escaped(found: re.Match[str]) -> str:
    """A mark that means itself; of white space in front of it only what follows."""
    text = found[0].lstrip()
    return f"{text}\\" if text.isdigit() else f"\\{text}"
