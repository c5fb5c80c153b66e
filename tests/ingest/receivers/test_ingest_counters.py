"""The arithmetic of pending and lag."""

import time

from controlsurface.ingest.ingest_counters import IngestCounters


def test_pending_counts_accepted_items_not_stored_whatever_run_accepted_them() -> None:
    counters = IngestCounters()
    counters.add(accepted=10, received=10)
    counters.take(accepted=5, rejected=1, size=100, received_ns=1)
    counters.add(stored=12)
    snapshot = counters.snapshot()
    assert (snapshot["pending"], snapshot["received"], snapshot["bytes"], snapshot["bodies"]) == (3, 16, 100, 1)


def test_mended_items_are_accepted_items_too() -> None:
    counters = IngestCounters()
    counters.take(accepted=5, rejected=1, size=100, received_ns=1, mended=3)
    counters.take(accepted=2, rejected=0, size=100, received_ns=1)
    snapshot = counters.snapshot()
    assert (snapshot["mended"], snapshot["accepted"], snapshot["received"]) == (3, 7, 8)


def test_lag_is_how_long_the_oldest_item_waits_and_zero_when_none_does() -> None:
    counters, now = IngestCounters(), time.time_ns()
    assert counters.snapshot()["lag_ms"] == 0
    counters.take(1, 0, 1, now - 5_000_000_000)
    counters.take(1, 0, 1, now)
    assert 5000 <= counters.snapshot()["lag_ms"] < 10_000
    counters.add(stored=1)
    counters.mark(last_stored_received_ns=now - 2_000_000_000)
    assert 2000 <= counters.snapshot()["lag_ms"] < 5000
    counters.add(stored=1)
    assert counters.snapshot()["lag_ms"] == 0


def test_counter_times_never_go_back() -> None:
    counters = IngestCounters()
    counters.mark(last_stored_received_ns=5)
    counters.mark(last_stored_received_ns=3)
    assert counters.snapshot()["last_stored_received_ns"] == 5
