"""What somebody sent is shown as it is: a law about the text, and one about every call that draws text.

The shapes are those of streamlit/streamlit#8099, #7898 and #4579 (amounts of money become formulas) and
bigscience-workshop/promptsource#511 (underscores).
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from controlsurface import ui
from controlsurface.shipped_paths import DASHBOARDS
from controlsurface.ui.elements.html_tags import WORD_JOINER, escape_markdown

PARSER = MarkdownIt("gfm-like", {"linkify": False}).enable("table")
HOSTILE = [
    *("![x](http://evil/x.png)", "[a](http://b)", "[a](javascript:alert(1))", "<http://evil>", "<img src=x onerror=y>"),
    *("**b** _i_ ~~s~~ `c`", "# head", "1. one", "- dash", "+ plus", "> quote", "a\n\n# b", "&copy; &#60;b&#62;"),
    *(
        "| a | b |\n|---|---|",
        "```\ncode\n```",
        "[x]: http://evil",
        "\\[a\\](b)",
        "a_b_c",
        "_x_",
        "--- ",
        "===",
        "---",
        "- - -",
        "10) ten",
    ),
]
DRAWN = set(
    "markdown caption warning error info success write toast button header subheader title metric tabs expander "
    "popover toggle checkbox badge link_button form_submit_button".split()
)


def words(text: str) -> tuple[list[str], str]:
    """The kinds of pieces that a parser sees, and what a reader reads."""
    (inline,) = (each for each in PARSER.parse(text) if each.type == "inline")
    pieces = inline.children or []
    return [each.type for each in pieces], "".join(each.content for each in pieces)


@pytest.mark.parametrize("value", HOSTILE)
def test_markdown_in_a_value_is_text(value: str) -> None:
    kinds, shown = words(escape_markdown(value))
    assert {*kinds} <= {"text", "text_special"}
    assert " ".join(shown.replace(WORD_JOINER, "").split()) == " ".join(value.split())


CHARACTERS = st.characters(codec="utf-8", exclude_categories=["Cc", "Zs"]) | st.sampled_from("*_[]()<>!`#-+. \n:$~|\\&")


@given(st.text(CHARACTERS, min_size=1))
def test_escape_markdown_shows_any_value_as_it_is(value: str) -> None:
    if not value.strip(" \n"):
        return
    kinds, shown = words(f"x {escape_markdown(value)}")
    assert {*kinds} <= {"text", "text_special"}
    assert "".join(shown.replace(WORD_JOINER, "").split())[1:] == "".join(value.split())


@pytest.mark.parametrize("text", [":red[x]", ":material/home:", ":smile:", "http://evil", "www.evil.example", "a@b.io"])
def test_escape_markdown_hides_what_streamlit_finds_in_plain_text(text: str) -> None:
    assert WORD_JOINER in escape_markdown(text)
    assert escape_markdown(text).replace(WORD_JOINER, "").replace("\\", "") == text


@pytest.mark.parametrize("text", ["rag_answer", "gpt-4o-mini, 12:30", "n 1,234 (5 %)", "small → large", "–"])
def test_escape_markdown_leaves_plain_text_as_it_is(text: str) -> None:
    assert escape_markdown(text) == text


def calls() -> Iterator[tuple[str, ast.expr]]:
    """Every text that is drawn: where, and the expression."""
    for path in [*Path(ui.__file__).parent.rglob("*.py"), *DASHBOARDS.glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                place = f"{path.name}:{node.lineno}"
                if node.func.attr in DRAWN and ast.unparse(node.func.value) in {"st", "left", "right", "middle"}:
                    yield from ((place, each) for each in node.args[:1])
                yield from ((place, each.value) for each in node.keywords if each.arg == "help")


def is_safe(text: ast.expr) -> bool:
    """A constant, what `escape_markdown` returns, a number in a format, or a text of these."""
    match text:
        case ast.Call(func=ast.Attribute(attr="join"), args=[ast.GeneratorExp(elt=each)]):
            safe = is_safe(each)
        case ast.Call(func=called):
            safe = ast.unparse(called).rpartition(".")[2] == "escape_markdown"
        case ast.FormattedValue(value=value, format_spec=form):
            safe = form is not None or is_safe(value)
        case ast.JoinedStr(values=parts) | ast.List(elts=parts):
            safe = all(map(is_safe, parts))
        case ast.IfExp(body=one, orelse=other) | ast.BinOp(left=one, op=ast.Add(), right=other):
            safe = is_safe(one) and is_safe(other)
        case ast.BoolOp(values=parts):
            safe = is_safe(parts[-1])
        case _:
            safe = isinstance(text, ast.Constant)
    return safe


# Texts that are Markdown on purpose: their functions escape each value themselves.
WRITTEN = {
    "_in_words(rows)",
    "f'{what[:1].upper()}{what[1:]}: {do}. A price would not help them.'",
    "_headline(rows)",
    "_note(rows, int(answer.facts['running']))",
    "f'At {escape_markdown(format_value(bound, unit))} {fired}{escape_markdown(last)}.'",
    "f'`{_command(args)}` writes the same rows with a manifest.{still}'",
}
CONSTANT = {"MISSING_REASON_TEXT", "label", "list(CLIENTS)", "client_text"}  # of modules


def test_every_text_that_is_drawn_is_escaped() -> None:
    found = [(place, ast.unparse(text)) for place, text in calls() if not is_safe(text)]
    assert len([*calls()]) > 80
    assert [each for each in found if each[1] not in WRITTEN | CONSTANT] == []
