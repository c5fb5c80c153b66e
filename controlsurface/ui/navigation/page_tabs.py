"""A page in parts, one at a time: which one is in the address."""

from collections.abc import Sequence

import streamlit as st

TAB_PARAMETER = "part"


def choose_tab(names: Sequence[str]) -> str:
    """Draw the choice; the part that is chosen, the first where an address names none of them."""
    chosen = st.segmented_control(
        "Part",
        list(names),
        default=names[0],
        required=True,
        key=TAB_PARAMETER,
        bind="query-params",
        label_visibility="collapsed",
    )
    return chosen if chosen in names else names[0]
