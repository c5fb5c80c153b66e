"""How far apart two lanes are in latency, from their histograms: a fast lane that is not faster saves no time."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl
import streamlit as st

from controlsurface.ui import reading, units
from controlsurface.ui.markup import tag, text

FEWEST = 200  # requests of each lane


@dataclass(frozen=True, slots=True)
class Separation:
    """Of one request of each lane, drawn by chance: how likely the fast one is faster; medians; the slow tail."""

    faster: float  # P(fast < slow), equal bins half
    fast_median_ms: float
    slow_median_ms: float
    beyond: float  # share of fast requests slower than the slow lane's median


def separation(bins: pl.DataFrame, fast: str, slow: str) -> Separation:
    """Compare two lanes by their bins (lane, lower, upper in ms, n). Bins are 5 % wide, so figures are 2.5 % off."""
    one, other = (bins.filter(pl.col("lane") == lane).sort("lower") for lane in (fast, slow))
    both = one.select("lower", one=pl.col("n")).join(
        other.select("lower", other=pl.col("n")), on="lower", how="full", coalesce=True
    )
    both = both.sort("lower").fill_null(0).with_columns(slower=pl.col("other").cum_sum(reverse=True) - pl.col("other"))
    wins = (both["one"] * (both["slower"] + both["other"] / 2)).sum()
    median = _median(other)
    beyond = one.select((pl.col("n") * _above(median)).sum() / pl.col("n").sum()).item()
    pairs = float(both["one"].sum()) * float(both["other"].sum())
    return Separation(float(wins) / pairs, _median(one), median, beyond)


def lanes_apart(bins: pl.DataFrame) -> None:
    """Say what separates the busiest lane that is no escalation from the busiest one that is."""
    st.html(_apart(bins))


def _apart(bins: pl.DataFrame) -> str:
    rows = reading.query("escalation_rate", by=["lane"]).filter(pl.col("lane") != "cache").sort("n", descending=True)
    fast, slow = (rows.filter(pl.col("value") == share)["lane"].to_list()[:1] for share in (0, 1))
    if not fast or not slow:
        return tag("p", "There is no small and large lane here to compare.")
    counts = [int(rows.filter(pl.col("lane") == lane)["n"].item()) for lane in (*fast, *slow)]
    if min(counts) < FEWEST:
        return tag("p", text(f"too few: {_counted(fast + slow, counts)}; {FEWEST} of each are needed."))
    return _facts(separation(bins, fast[0], slow[0]), fast[0], slow[0], _counted(fast + slow, counts))


def _facts(found: Separation, fast: str, slow: str, counted: str) -> str:
    ratio = found.slow_median_ms / found.fast_median_ms if found.fast_median_ms else None
    facts = (
        (
            f"{fast} is faster than {slow}",
            units.shown(found.faster, "ratio"),
            "of two requests, one of each, by chance",
        ),
        ("median ratio", f"{ratio:.3g}×" if ratio else units.UNKNOWN, _medians(found)),
        (f"{fast} slower than {slow}'s median", units.shown(found.beyond, "ratio"), counted),
    )
    shown = (tag("div", tag("dt", text(a)), tag("dd", text(b), tag("small", text(c)))) for a, b, c in facts)
    return tag("dl", *shown, class_="cs-facts")


def _medians(found: Separation) -> str:
    return f"{units.shown(found.fast_median_ms, 'ms')} against {units.shown(found.slow_median_ms, 'ms')}"


def _counted(lanes: Sequence[str], counts: Sequence[int]) -> str:
    return " and ".join(f"{n:,} {lane}" for lane, n in zip(lanes, counts, strict=True))


def _median(bins: pl.DataFrame) -> float:
    """Where half of the requests lie below, evenly spread within the bin."""
    half = bins["n"].sum() / 2
    row = bins.with_columns(upto=pl.col("n").cum_sum()).filter(pl.col("upto") >= half).row(0, named=True)
    return float(row["upper"] - (row["upto"] - half) / row["n"] * (row["upper"] - row["lower"]))


def _above(bound: float) -> pl.Expr:
    """The share of a bin that lies above the bound."""
    width = pl.col("upper") - pl.col("lower")
    return (
        pl.when(width > 0)
        .then((pl.col("upper") - bound) / width)
        .otherwise((pl.col("upper") > bound).cast(float))
        .clip(0, 1)
    )
