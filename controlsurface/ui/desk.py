"""The review desk: two answers side by side, and keys that say which is right. What a key says is kept before the next.

A label that could not be sent stays in the session and is sent again, under the same item, reviewer and revision, as
soon as the collector answers; so nothing is lost, and nothing is kept twice.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import streamlit as st

from controlsurface.audit import desk
from controlsurface.errors import Conflict, Forbidden, Unreachable
from controlsurface.reader.asking import Answer
from controlsurface.reader.rows import records
from controlsurface.ui import reading, states, visitor
from controlsurface.ui.elements.markdown import plain
from controlsurface.ui.markup import tag, text
from controlsurface.ui.window import View

WHO, WHICH = "reviewer", "queue"
PENDING, REFUSED = "_label", "_label_refused"
KEYS = {"left": ("Left", "1"), "right": ("Right", "2"), "both": ("Both", "3"), "neither": ("Neither", "4")}
QUEUES = {"Unreviewed": "open", "Second review": "second"}
LONGEST = 20_000  # characters of an answer on the screen

Card = Mapping[str, Any]


def settle() -> None:
    """Send what could not be sent; to be called before the page draws anything of the desk."""
    if PENDING in st.session_state:
        reading.answer(_send)


def review(view: View) -> None:
    """Draw the desk over this view; a key draws only the desk anew."""
    _desk(view)


@st.fragment
def _desk(view: View) -> None:
    try:
        if PENDING in st.session_state:
            _send()
        _draw(view)
    except Unreachable:
        st.rerun()  # the page says so, and comes back by itself


def _draw(view: View) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        who = visitor.name_field("Reviewer", WHO, width=220, bind="query-params")
        queue = st.segmented_control(
            "Queue", list(QUEUES), default="Unreviewed", required=True, key=WHICH, bind="query-params"
        )
    if not who:
        states.state("Who reviews?", "Every label says who and when: write your name above.")
        return
    asked = desk.NextArgs.model_validate({**view.asked, "reviewer": who, "which": QUEUES.get(queue or "", "open")})
    found = reading.reader().ask(desk.Next(asked))
    _refusal()
    _progress(found.facts)
    rows = records(found.rows)
    above, below = st.container(), st.container()
    with below:  # first, so that the keys are there by the time the answers are read
        _keys(rows[0] if rows else None, found, asked.reviewer)
    with above:
        if rows:
            _card(rows[0])
        else:
            _nothing_left(found.facts)


def _send() -> None:
    """Hand the waiting label to the collector. Raises Unreachable, and keeps it then."""
    order: desk.SayLabel = st.session_state[PENDING]
    try:
        reading.reader().do(order)
    except (Conflict, Forbidden) as problem:
        st.session_state[REFUSED] = str(problem)
    del st.session_state[PENDING]


def _say(item: str, reviewer: str, revision: int, verdict: str | None) -> None:
    """What a key means; it is about the item that was on the screen, whatever is on it when the key arrives."""
    comment = st.session_state.get(_comment(item, revision)) if verdict else None
    said = {"reviewer": reviewer, "revision": revision, "verdict": verdict, "comment": comment, "said_by": "desk"}
    st.session_state[PENDING] = desk.SayLabel(item, desk.Label.model_validate(said))


def _refusal() -> None:
    """Why the last label was not kept, once."""
    if problem := st.session_state.pop(REFUSED, None):
        st.warning(f"Not kept: {plain(problem)}")


def _progress(facts: Mapping[str, Any]) -> None:
    done = facts["items"] - facts["open"]
    share = done / facts["items"] if facts["items"] else 0.0
    said = (
        f"{done:,} of {facts['items']:,} labelled, {facts['mine']:,} of them by you; {facts['twice']:,} by two or more"
    )
    bar = tag("i", style=f"width:{share:.1%}")
    st.html(
        tag("div", tag("small", text(said)), tag("div", bar, class_="track"), class_="cs-desk-progress", role="status")
    )


def _card(card: Card) -> None:
    """Prompt and answers. Lane, model and confidence are left out, for they would tell whose answer is whose."""
    facts = [card["task_type"] or "unknown task type", card["tenant"]]
    chips = "".join(tag("span", text(each)) for each in facts if each)
    asked = tag("p", text(_short(card["prompt"]))) if card["prompt"] else ""
    head = tag("div", chips, class_="chips")
    answers = "".join(_answer(card, side) for side in ("left", "right"))
    sides = tag("div", answers, class_="sides")
    st.html(tag("div", head, asked, sides, class_="cs-desk", data_item=card["item_id"]))


def _answer(card: Card, side: str) -> str:
    """One side: the words where they are kept, else the label and where the call can be read."""
    label, words = card[f"{side}_label"], card[f"{side}_words"]
    body = tag("p", text(_short(words))) if words else ""
    name = tag("b", text(label)) if label else ""
    where = ""
    if not words:
        ids = f"trace {card[f'{side}_trace_id']}, span {card[f'{side}_span_id']}"
        where = tag("small", text(f"The words are not kept here (content.store): {ids}"))
    title = f"{'1' if side == 'left' else '2'} {side.capitalize()}"
    return tag("section", tag("h4", text(title)), name, body, where, aria_label=f"{side} answer")


def _keys(card: Card | None, found: Answer, reviewer: str) -> None:
    """The keys under the answers; each is a button of this item and revision alone."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if card:
            item, revision = card["item_id"], card["revision"]
            for verdict, (label, key) in KEYS.items():
                st.button(
                    label,
                    key=f"label {item} {revision} {verdict}",
                    shortcut=key,
                    on_click=partial(_say, item, reviewer, revision, verdict),
                )
        last, revision = found.facts["last_item"], found.facts["last_revision"]
        if last:
            st.button(
                "Undo",
                key=f"undo {last} {revision}",
                shortcut="U",
                type="tertiary",
                on_click=partial(_say, last, reviewer, revision + 1, None),
            )
    if card:
        key = _comment(card["item_id"], card["revision"])
        st.text_input("Comment (optional; Esc, then a key)", key=key, max_chars=1000, width=640)


def _comment(item: str, revision: int) -> str:
    return f"comment {item} {revision}"


def _nothing_left(facts: Mapping[str, Any]) -> None:
    if facts["items"]:
        states.state("Nothing left to review here", "Choose the other queue, a longer time range or fewer filters.")
    else:
        states.state(
            "No pairs of answers in this window",
            f"A pair is a request and a call that answers it again: {tag('code', 'controlsurface.shadow.of')} on the "
            "span of the second call says which.",
        )


def _short(words: str | None) -> str:
    """Words as the screen takes them; what is cut off is said."""
    if words is None or len(words) <= LONGEST:
        return words or ""
    return f"{words[:LONGEST]}\n… {len(words) - LONGEST:,} more characters"
