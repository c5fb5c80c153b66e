"""Rows as a file."""

import polars as pl
import streamlit as st

from controlsurface.export.table_formats import as_csv


def csv_button(rows: pl.DataFrame, name: str, key: str = "") -> None:
    """A button that downloads rows with all their digits; the file is made when it is asked for."""
    st.download_button(
        "CSV",
        lambda: as_csv(rows.to_arrow()),
        f"{name}.csv",
        "text/csv",
        key=f"csv {key or name}",
        icon=":material/download:",
        on_click="ignore",
    )
