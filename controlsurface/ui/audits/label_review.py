"""The review desk: two answers side by side, and keys that say which is right. What a key says is kept before the next.

A label that could not be sent stays in the session and is sent again, under the same item, reviewer and revision, as
soon as the collector answers; so nothing is lost, and nothing is kept twice.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import streamlit as st

from controlsurface.audit.answer_review import review_labels, review_queue
from controlsurface.client.arrow_tables import as_dicts
from controlsurface.client.query_protocol import Result
from controlsurface.errors import Conflict, Forbidden, Unreachable
from controlsurface.ui.audits.answer_diff import marked_answers
from controlsurface.ui.data import collector_queries, visitor
from controlsurface.ui.elements import states
from controlsurface.ui.elements.html_tags import escape_markdown, html_tag, html_text
from controlsurface.ui.navigation.view_controls import rerun_if_view_changed
from controlsurface.ui.view import DashboardView

REVIEWER_PARAMETER, QUEUE_PARAMETER = "reviewer", "queue"
PENDING_LABEL_KEY, REFUSED_LABEL_KEY = "_label", "_label_refused"
VERDICT_KEYS = {"left": ("Left", "1"), "right": ("Right", "2"), "both": ("Both", "3"), "neither": ("Neither", "4")}
REVIEW_QUEUES = {"Unreviewed": "open", "Second review": "second"}
MAX_ANSWER_CHARS = 20_000  # characters of an answer on the screen

ReviewCard = Mapping[str, Any]


def send_pending_label() -> None:
    """Send what could not be sent; to be called before the page draws anything of the desk."""
    if PENDING_LABEL_KEY in st.session_state:
        collector_queries.run_or_show_error(_send)


def review_panel(view: DashboardView) -> None:
    """Draw the desk over this view; a key draws only the desk anew."""
    _desk(view)


@st.fragment
def _desk(view: DashboardView) -> None:
    rerun_if_view_changed()
    try:
        if PENDING_LABEL_KEY in st.session_state:
            _send()
    except Unreachable:
        st.rerun()  # the page says so, and comes back by itself
    _draw(view)


def _draw(view: DashboardView) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        who = visitor.name_field("Reviewer", REVIEWER_PARAMETER, width=220, bind="query-params")
        queue = st.segmented_control(
            "Queue", list(REVIEW_QUEUES), default="Unreviewed", required=True, key=QUEUE_PARAMETER, bind="query-params"
        )
    if not who:
        states.empty_state("No reviewer yet", "Enter your name above: every label records its reviewer.")
        return
    asked = review_queue.NextItemArgs.model_validate(
        {**view.asked, "reviewer": who, "which": REVIEW_QUEUES.get(queue or "", "open")}
    )
    found = collector_queries.run_now(review_queue.NextItemQuery(asked))
    _refusal()
    _progress(found.facts)
    rows = as_dicts(found.rows)
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
    order: review_labels.SetLabelCommand = st.session_state[PENDING_LABEL_KEY]
    try:
        collector_queries.collector_client().execute(order)
    except (Conflict, Forbidden) as problem:
        st.session_state[REFUSED_LABEL_KEY] = str(problem)
    del st.session_state[PENDING_LABEL_KEY]


def _say(item: str, reviewer: str, revision: int, verdict: str | None) -> None:
    """What a key means; it is about the item that was on the screen, whatever is on it when the key arrives."""
    comment = st.session_state.get(_comment(item, revision)) if verdict else None
    said = {"reviewer": reviewer, "revision": revision, "verdict": verdict, "comment": comment, "said_by": "desk"}
    st.session_state[PENDING_LABEL_KEY] = review_labels.SetLabelCommand(item, review_labels.Label.model_validate(said))


def _refusal() -> None:
    """Why the last label was not kept, once."""
    if problem := st.session_state.pop(REFUSED_LABEL_KEY, None):
        st.warning(f"Not saved: {escape_markdown(problem)}")


def _progress(facts: Mapping[str, Any]) -> None:
    done = facts["items"] - facts["open"]
    share = done / facts["items"] if facts["items"] else 0.0
    said = (
        f"{done:,} of {facts['items']:,} labelled, {facts['mine']:,} of them by you; {facts['twice']:,} by two or more"
    )
    bar = html_tag("i", style=f"width:{share:.1%}")
    st.html(
        html_tag(
            "div",
            html_tag("small", html_text(said)),
            html_tag("div", bar, class_="track"),
            class_="cs-desk-progress",
            role="status",
        )
    )


def _card(card: ReviewCard) -> None:
    """Prompt and answers. Lane, model and confidence are left out, for they would tell whose answer is whose."""
    facts = [card["task_type"] or "unknown task type", card["tenant"]]
    chips = "".join(html_tag("span", html_text(each)) for each in facts if each)
    asked = html_tag("p", html_text(_short(card["prompt"]))) if card["prompt"] else ""
    head = html_tag("div", chips, class_="chips")
    words = [_short(card[f"{side}_words"]) for side in ("left", "right")]
    bodies = marked_answers(*words) if all(words) else [html_text(each) for each in words]
    answers = "".join(_answer(card, side, body) for side, body in zip(("left", "right"), bodies, strict=True))
    sides = html_tag("div", answers, class_="sides")
    st.html(html_tag("div", head, asked, sides, class_="cs-desk", data_item=card["item_id"]))


def _answer(card: ReviewCard, side: str, marked: str) -> str:
    """One side: the words where they are kept, marked where they differ, else the label and where the call is read."""
    label, words = card[f"{side}_label"], card[f"{side}_words"]
    body = html_tag("p", marked) if words else ""
    name = html_tag("b", html_text(label)) if label else ""
    where = ""
    if not words:
        ids = f"trace {card[f'{side}_trace_id']}, span {card[f'{side}_span_id']}"
        where = html_tag("small", html_text(f"Content not stored (content.store): {ids}"))
    title = f"{'1' if side == 'left' else '2'} {side.capitalize()}"
    return html_tag("section", html_tag("h3", html_text(title)), name, body, where, aria_label=f"{side} answer")


def _keys(card: ReviewCard | None, found: Result, reviewer: str) -> None:
    """The keys under the answers; each is a button of this item and revision alone."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if card:
            item, revision = card["item_id"], card["revision"]
            for verdict, (label, key) in VERDICT_KEYS.items():
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
        st.text_input("Comment (optional; Enter, then a key)", key=key, max_chars=1000, width=640)


def _comment(item: str, revision: int) -> str:
    return f"comment {item} {revision}"


def _nothing_left(facts: Mapping[str, Any]) -> None:
    if facts["items"]:
        states.empty_state(
            "Nothing left to review here", "Choose the other queue, a longer time range or fewer filters."
        )
    else:
        states.empty_state(
            "No pairs of answers in this window",
            f"A pair is a request and a call that answers it again: {html_tag('code', 'controlsurface.shadow.of')} on "
            "the span of the second call says which.",
        )


def _short(words: str | None) -> str:
    """Words as the screen takes them; what is cut off is said."""
    if words is None or len(words) <= MAX_ANSWER_CHARS:
        return words or ""
    return f"{words[:MAX_ANSWER_CHARS]}\n… {len(words) - MAX_ANSWER_CHARS:,} more characters"
