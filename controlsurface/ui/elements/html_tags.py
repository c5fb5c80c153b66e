"""HTML where Streamlit has no element, and values in its Markdown: each escaped, colours as the theme's variables."""

import re
from collections.abc import Iterable
from functools import cache
from html import escape
from pathlib import Path

import streamlit as st

from controlsurface.charts import DARK, LIGHT, Palette

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


# Charts and tables are drawn in the colours of the theme; inverted, all of a dark page is light on paper.
DARK_PRINT_RULE = (
    "@media print{html{print-color-adjust:exact;background:#fff}.stApp{filter:invert(1) hue-rotate(180deg)}}"
)
CSS_FILE = Path(__file__).with_suffix(".css")


def palette() -> Palette:
    """The colours of the visitor's theme; dark until the browser has told."""
    return LIGHT if st.context.theme.type == "light" else DARK


def html_text(value: object) -> str:
    """A value as HTML text or attribute, unknown as a dash."""
    return "–" if value is None else escape(str(value), quote=True)


def html_tag(name: str, *children: str, **attributes: object) -> str:
    """An element; attributes are escaped, children are HTML already. `class_` is written `class`, `aria_x` `aria-x`.

    >>> html_tag("b", html_text("<x>"), title='"')
    '<b title="&quot;">&lt;x&gt;</b>'
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html_text(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{given}>{''.join(children)}</{name}>"


def html_table(names: Iterable[str], rows: Iterable[str], label: str) -> str:
    """A plain table under these names; rows are `tr` elements. On a narrow screen it scrolls, by keyboard too."""
    head = html_tag("tr", *(html_tag("th", html_text(name), scope="col") if name else html_tag("td") for name in names))
    whole = html_tag("table", html_tag("thead", head), html_tag("tbody", *rows), class_="cs-table", aria_label=label)
    return html_tag("div", whole, class_="cs-scroll", tabindex="0", role="region", aria_label=label)


def style_sheet() -> None:
    """The rules of markup.css, with this theme's colours."""
    st.html(_style(palette()))


@cache
def _style(colours: Palette) -> str:
    named = {
        "text": colours.text,
        "quiet": colours.quiet,
        "border": colours.border,
        "surface": colours.surface,
        "accent": colours.accent,
        "changed": colours.changed,
        "good": colours.good,
        "bad": colours.bad,
        "rest": colours.rest,
    }
    variables = "".join(f"--cs-{name}:{value};" for name, value in named.items())
    light_print = "" if colours is LIGHT else DARK_PRINT_RULE
    # Streamlit applies HTML of nothing but rules only once the page is complete; the mark makes it more than rules.
    return f"<i class='cs-style'></i><style>:root{{{variables}}}{CSS_FILE.read_text('utf-8')}{light_print}</style>"
