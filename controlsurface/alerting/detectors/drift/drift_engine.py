"""Drift rules, evaluated: all streams of all rules, moved on by the buckets that have closed since the last look."""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from controlsurface.alerting.detectors.drift import baseline_training, drift_store, stream_tracker, warmup
from controlsurface.alerting.detectors.drift.drift_readings import slice_readings
from controlsurface.alerting.detectors.drift.drift_store import AcceptRequest
from controlsurface.alerting.detectors.drift.rebaseline import rebaseline_streams
from controlsurface.alerting.detectors.drift.stream_counts import (
    StreamCounter,
    limit_streams,
    share_statements,
    utc_from_seconds,
)
from controlsurface.alerting.detectors.statistics import cusum
from controlsurface.alerting.detectors.statistics.count_baseline import BUCKET_S, DAY_S, HOUR_S
from controlsurface.alerting.model import RuleReading
from controlsurface.alerting.rules.rule_models import DriftRule
from controlsurface.store.duckdb import DuckStore

MAX_STREAMS = 500  # of each part of a rule
STATE_VERSION = 2  # what is kept of a stream; rows of another shape are learnt anew

HistoryByRule = Mapping[str, warmup.HourlyHistory]
ReadingsByRule = Mapping[str, Sequence[RuleReading]]


@dataclass(frozen=True, slots=True)
class _TrackedRule:
    """A rule, what it counts, and what is known of it from the history `learnt`; `saved_s`: up to when that is stored.

    `coming` is the history at the last look, while more of it comes: until then nothing more is settled or learnt.
    `readings` are those after the bucket that ended at `closed_s`.
    """

    rule: DriftRule
    counting: StreamCounter
    watched: stream_tracker.TrackedStreams
    learnt: warmup.HourlyHistory
    coming: warmup.HourlyHistory | None = None
    saved_s: int = 0
    closed_s: int = 0
    readings: Sequence[RuleReading] = ()


class DriftEngine:
    """The detector over a store. Knows nothing that it could not read again: a restart changes no reading."""

    def __init__(self, store: DuckStore, false_alerts_per_week: float = 1.0, max_streams: int = MAX_STREAMS) -> None:
        self._store = store
        self._allowed = false_alerts_per_week
        self._max_streams = max_streams
        self._left_out: dict[str, int] = {}
        self._noted: dict[str, str | None] = {}
        self._held: dict[str, _TrackedRule] = {}
        self._lock = threading.Lock()

    def readings(self, rules: Sequence[DriftRule], now: datetime) -> ReadingsByRule:
        """What each rule says of each slice, under the rule's name; new only when a bucket has closed.

        Rules may be asked for together or apart; all that were asked for within a day share the allowance of false
        alerts.
        """
        with self._lock:
            closed_s, names = stream_tracker.last_closed_bucket_s(now.timestamp()), {rule.alert for rule in rules}
            wishes = [wish for wish in drift_store.load_accept_requests(self._store) if wish.rule in names]
            seen = self._histories(rules, stream_tracker.settled_end_s(closed_s), int(now.timestamp()))
            stale = [rule for rule in rules if not self._fresh(rule, closed_s, seen[rule.alert]) or wishes]
            if stale:
                self._read(stale, closed_s, wishes, seen)
            return {rule.alert: self._held[rule.alert].readings for rule in rules}

    def _histories(self, rules: Sequence[DriftRule], until_s: int, now_s: int) -> HistoryByRule:
        """What there is now to learn from, of each rule: a few sums an hour of all slices together."""
        start_s = warmup.history_start_s(until_s)
        all_of_them = [replace(rule_counter(self._store, rule), by=(), where=()) for rule in rules]
        return {
            rule.alert: warmup.HourlyHistory(start_s, counted.total_requests(start_s, until_s, HOUR_S), now_s)
            for rule, counted in zip(rules, share_statements(all_of_them), strict=True)
        }

    def _fresh(self, rule: DriftRule, closed_s: int, seen: warmup.HourlyHistory) -> bool:
        """Whether a rule has been read since the bucket closed, from all the history there is."""
        held = self._held.get(rule.alert)
        if held is None or held.rule != rule or held.closed_s != closed_s:
            return False
        return not warmup.has_backfill(held.learnt, seen)

    def _read(
        self, rules: Sequence[DriftRule], closed_s: int, wishes: Sequence[AcceptRequest], seen: HistoryByRule
    ) -> None:
        """Move rules on, grant wishes, keep what has settled."""
        until_s = stream_tracker.settled_end_s(closed_s)
        self._held = {name: each for name, each in self._held.items() if each.closed_s > closed_s - DAY_S}
        counted = share_statements([self._bounded(rule, until_s) for rule in rules])
        held = [
            _follow_backfill(self._known(rule, each, until_s, seen[rule.alert]), until_s, seen[rule.alert])
            for rule, each in zip(rules, counted, strict=True)
        ]
        self._held |= {each.rule.alert: each for each in held}
        streams = sum(len(each.watched.streams) for each in self._held.values())
        threshold = cusum.score_threshold(streams, self._allowed)
        known = self._events(held, closed_s)
        for each in held:
            moved, look = self._moved(each, until_s, closed_s, threshold, known, wishes)
            found = list(slice_readings(moved.watched, look, each.counting, threshold, streams))
            self._held[each.rule.alert] = replace(moved, closed_s=closed_s, readings=found)
        for each in held:
            each.counting.answers.clear()
        self._save(rules, closed_s, wishes)

    def _bounded(self, rule: DriftRule, until_s: int) -> StreamCounter:
        """What a rule counts, of the streams that it may follow."""
        start_s = warmup.history_start_s(until_s)
        counted = rule_counter(self._store, rule)
        end_s = max(until_s, start_s + 1)
        found, self._left_out[rule.alert] = limit_streams(counted, start_s, end_s, self._max_streams)
        return found

    def _known(self, rule: DriftRule, counted: StreamCounter, until_s: int, seen: warmup.HourlyHistory) -> _TrackedRule:
        """What is known of a rule: from the last look, from the store, or from its history."""
        held = self._held.get(rule.alert)
        if held and drift_definition(held.rule) == drift_definition(rule):
            return _within_reach(replace(held, rule=rule, counting=counted), until_s)
        known = drift_store.load_drift_state(self._store, rule.alert, drift_definition(rule))
        if known:
            return _within_reach(_TrackedRule(rule, counted, *known, saved_s=known[0].settled_s), until_s)
        return _TrackedRule(rule, counted, warmup.start_tracking(counted, rule.drift.tolerance, until_s), seen)

    def _events(self, held: Sequence[_TrackedRule], closed_s: int) -> list[stream_tracker.KnownEvent]:
        """Changes since a day before the first unsettled bucket."""
        watching = [each.watched.settled_s for each in held if each.watched.streams]
        return stream_tracker.fetch_known_events(self._store.query, min(watching) - DAY_S, closed_s) if watching else []

    def _moved(
        self,
        held: _TrackedRule,
        until_s: int,
        closed_s: int,
        threshold: float,
        known: Sequence[stream_tracker.KnownEvent],
        wishes: Sequence[AcceptRequest],
    ) -> tuple[_TrackedRule, stream_tracker.StreamSnapshot]:
        """One rule, up to the last closed bucket."""
        tolerance = held.rule.drift.tolerance
        watched = held.watched
        if not held.coming:
            watched = stream_tracker.settle_buckets(watched, held.counting, tolerance, until_s, threshold, known)
        look = stream_tracker.look_ahead(watched, held.counting, closed_s, threshold, known)
        for wish in wishes:
            if wish.rule == held.rule.alert:
                at_s = min(int(wish.at.timestamp()), closed_s)
                watched = rebaseline_streams(watched, look, held.counting, tolerance, wish.slice, at_s)
                look = stream_tracker.look_ahead(watched, held.counting, closed_s, threshold, known)
                held = replace(held, saved_s=0)
        return replace(held, watched=watched), look

    def _save(self, rules: Sequence[DriftRule], closed_s: int, wishes: Sequence[AcceptRequest]) -> None:
        """Write what has settled since it was last written, and remove the wishes, in one transaction."""
        changed = [each for rule in rules if (each := self._held[rule.alert]).watched.settled_s > each.saved_s]
        notes = {rule.alert: self._note(rule) for rule in rules}
        told = notes != {name: self._noted.get(name) for name in notes}
        if not changed and not wishes and not told:
            return
        with self._store.writing() as writing:
            drift_store.write_rule_notes(writing, notes)
            for each in changed:
                definition = drift_definition(each.rule)
                drift_store.save_drift_state(writing, each.rule.alert, definition, each.watched, each.learnt)
            drift_store.delete_stale_rules(writing, closed_s - baseline_training.BASELINE_WINDOW_S)
            drift_store.record_accepted(writing, wishes, closed_s)
        for each in changed:
            self._held[each.rule.alert] = replace(each, saved_s=each.watched.settled_s)
        self._noted |= notes

    def _note(self, rule: DriftRule) -> str | None:
        """What a rule leaves out; None: nothing."""
        left_out = self._left_out.get(rule.alert, 0)
        if not left_out:
            return None
        return f"{left_out:,} values of {', '.join(rule.by)} are not followed: limits.streams is {self._max_streams:,}"


def _within_reach(held: _TrackedRule, until_s: int) -> _TrackedRule:
    """The same, where it can go on from what is settled; else what can be, after a clock was set or a long pause.

    A little ahead, nothing lay there yet: it is unsettled. Far ahead or behind, streams are forgotten or all history is
    newer: it begins anew, instead of walking there day by day.
    """
    tolerance, ahead_s = held.rule.drift.tolerance, held.watched.settled_s - until_s
    if -baseline_training.TRAINING_HISTORY_S <= ahead_s <= 0:
        return held
    if ahead_s < 0:
        watched = warmup.restart_tracking(held.watched, held.counting, tolerance, until_s)
    elif ahead_s > baseline_training.MIN_BASELINE_S:
        watched = warmup.start_tracking(held.counting, tolerance, until_s)
    else:
        watched = replace(held.watched, settled_s=until_s)
    return replace(held, watched=watched, saved_s=0)


def _follow_backfill(held: _TrackedRule, until_s: int, seen: warmup.HourlyHistory) -> _TrackedRule:
    """The same; where more history has come since it learnt, anew, as soon as no more is coming."""
    if not warmup.has_backfill(held.learnt, seen):
        return replace(held, learnt=held.learnt.extended(seen), coming=None)
    if held.coming is None or warmup.is_still_filling(held.coming, seen):
        return replace(held, coming=seen)
    if seen.seen_s < held.coming.seen_s + warmup.QUIET_PERIOD_S:
        return held
    anew = warmup.restart_tracking(held.watched, held.counting, held.rule.drift.tolerance, until_s)
    return replace(held, watched=anew, learnt=seen, coming=None, saved_s=0)


def replay_drift_rule(
    store: DuckStore, rule: DriftRule, since: datetime, until: datetime, streams: int = 1
) -> Iterator[tuple[datetime, Sequence[RuleReading]]]:
    """The rule's readings whenever they would have changed: at `since`, at each onset and recovery, and at `until`.

    `streams` is how many the install has besides; the rule's own are counted anyway.
    """
    counted, tolerance = rule_counter(store, rule), rule.drift.tolerance
    start_s, end_s = stream_tracker.settled_end_s(int(since.timestamp())), int(until.timestamp()) // BUCKET_S * BUCKET_S
    watched = warmup.start_tracking(counted, tolerance, start_s)
    shared = max(streams, len(watched.streams))
    threshold = cusum.score_threshold(shared)
    watched = stream_tracker.settle_buckets(watched, counted, tolerance, start_s, threshold)
    yield _readings_at(start_s, watched, counted, threshold, shared)
    while watched.settled_s < end_s:
        next_s = min(watched.settled_s // DAY_S * DAY_S + DAY_S, end_s)
        changes = stream_tracker.look_ahead(watched, counted, next_s, threshold).changes
        for at_s in sorted({change.at_s for change in changes} | ({end_s} & {next_s})):
            yield _readings_at(at_s, watched, counted, threshold, shared)
        watched = stream_tracker.settle_buckets(watched, counted, tolerance, next_s, threshold)


def _readings_at(
    at_s: int, watched: stream_tracker.TrackedStreams, counted: StreamCounter, threshold: float, streams: int
) -> tuple[datetime, Sequence[RuleReading]]:
    """What the rule says at one moment."""
    look = stream_tracker.look_ahead(watched, counted, at_s, threshold)
    return utc_from_seconds(at_s), list(slice_readings(watched, look, counted, threshold, streams))


def rule_counter(store: DuckStore, rule: DriftRule) -> StreamCounter:
    """What a rule counts. Raises BadRequest where no proportion stands for its metric."""
    return StreamCounter(store.query, rule.measured, rule.by, rule.where_pairs)


def drift_definition(rule: DriftRule) -> str:
    """What makes rows of one rule useless for another."""
    return json.dumps([rule.metric, rule.by, rule.where_pairs, rule.drift.tolerance, STATE_VERSION])
