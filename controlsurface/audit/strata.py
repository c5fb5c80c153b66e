"""Strata, task type by band of confidence: the parts of traffic in which grades of some speak for others."""

import numpy as np
import pyarrow as pa

from controlsurface.arrays import Flags, Floats
from controlsurface.audit.answer_pairs import Codes, code_column, float_column

CONFIDENCE_BANDS = 10


def row_strata(table: pa.Table) -> Codes:
    """The stratum of each row, as numbers from 0: its task type, and a tenth of its confidence.

    Confidences of another kind are strata of their own, and so are rows without one; a scale that leaves 0 to 1 is cut
    at the deciles of its values.
    """
    kinds, names = code_column(table, "confidence_kind")
    confidence = float_column(table, "confidence")
    bands = np.full(len(confidence), CONFIDENCE_BANDS, dtype=np.int64)
    for kind in range(len(names)):
        of_kind = (kinds == kind) & np.isfinite(confidence)
        bands[of_kind] = _bands(confidence[of_kind])
    rows = (code_column(table, "task_type")[0] * len(names) + kinds) * (CONFIDENCE_BANDS + 1) + bands
    return np.asarray(np.unique(rows, return_inverse=True)[1], dtype=np.int64)


def stratified_weights(weights: Floats, cells: Codes, some: Flags, among: Flags) -> Floats:
    """The weights of `some` rows so that in each stratum they stand for all `among`; 0 for other rows."""
    n = int(cells.max(initial=0)) + 1
    whole = np.bincount(cells[among], weights[among], n)
    part = np.bincount(cells[some], weights[some], n)
    blown = np.divide(whole, part, out=np.zeros(n), where=part > 0)
    return np.where(some, weights * blown[cells], 0.0)


def in_covered_strata(cells: Codes, some: Flags) -> Flags:
    """Which rows lie in a stratum that has one of `some`."""
    found = np.zeros(int(cells.max(initial=0)) + 1, dtype=bool)
    found[cells[some]] = True
    return np.asarray(found[cells])


def _bands(confidence: Floats) -> Codes:
    """Tenths of the scale where it is 0 to 1, else of the values."""
    if not len(confidence):
        return np.zeros(0, dtype=np.int64)
    if confidence.min() >= 0 and confidence.max() <= 1:
        return np.clip(np.floor(confidence * CONFIDENCE_BANDS + 1e-9), 0, CONFIDENCE_BANDS - 1).astype(np.int64)
    return np.searchsorted(
        np.quantile(confidence, np.arange(1, CONFIDENCE_BANDS) / CONFIDENCE_BANDS), confidence, "right"
    ).astype(np.int64)
