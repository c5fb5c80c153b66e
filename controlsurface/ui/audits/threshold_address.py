"""Thresholds in the address: a link shows the simulator as it was; what is moved is written there."""

from collections.abc import Mapping, Sequence

import streamlit as st

THRESHOLD_PARAMETER = "threshold"  # repeated: TASK_TYPE:0.62
WRITTEN_KEY = "_thresholds written"  # in the session: what this page wrote into the address last


def thresholds_of(texts: Sequence[str]) -> dict[str, float]:
    """The thresholds that an address names, by task type; nonsense is left out.

    >>> thresholds_of(["chat:0.62", "a:b:1", "code:nan", "x", "y:7"])
    {'chat': 0.62, 'a:b': 1.0}
    """
    found = {}
    for text in texts:
        name, colon, number = text.rpartition(":")
        try:
            at = float(number)
        except ValueError:
            continue
        if colon and name and 0 <= at <= 1:
            found[name[:200]] = round(at, 2)
    return found


def read_thresholds(chosen: dict[str, float], slider_key: str) -> None:
    """Take over what the address says, where somebody else than this page wrote it: a link, or Back."""
    texts = st.query_params.get_all(THRESHOLD_PARAMETER)
    if not texts or texts == st.session_state.get(WRITTEN_KEY):
        return
    for name in {*chosen, *thresholds_of(texts)}:
        st.session_state.pop(slider_key.format(name), None)
    chosen.clear()
    chosen.update(thresholds_of(texts))


def write_thresholds(chosen: Mapping[str, float]) -> None:
    """Say in the address what is moved."""
    texts = [f"{name}:{at:.2f}" for name, at in sorted(chosen.items())]
    st.session_state[WRITTEN_KEY] = texts
    if texts:
        st.query_params[THRESHOLD_PARAMETER] = texts
    else:
        st.query_params.pop(THRESHOLD_PARAMETER, None)
