"""Rules to begin with, such as a team's budget or the quality gate of a kind of work; their values are examples."""

from collections.abc import Mapping
from typing import Any

_TICKET = {"severity": "ticket"}

RULE_TEMPLATES: Mapping[str, Mapping[str, Any]] = {
    "A metric above a threshold": {
        "metric": "escalation_rate",
        "by": ["task_type"],
        "over": "1h",
        "above": 0.3,
        "judge": "interval",
        "min_count": 50,
        "for": "10m",
        "labels": {"severity": "page"},
        "annotations": {"summary": "{{ $labels.task_type }}: {{ $value | humanizePercentage }} of {{ $n }} requests"},
    },
    "A metric leaves its baseline": {
        "metric": "escalation_rate",
        "by": ["task_type"],
        "drift": {"tolerance": 1.2},
        "labels": _TICKET,
        "annotations": {"summary": "{{ $labels.task_type }}: {{ $value }}, before {{ $before }}"},
    },
    "Budget of each team": {
        "budget": {"usd": 100, "period": "7d", "burn": 1.5},
        "by": ["team"],
        "over": "6h",
        "for": "15m",
        "labels": _TICKET,
        "annotations": {"summary": "{{ $labels.team }} spends {{ $value }} times faster than its budget allows"},
    },
    "Quality gate of a task": {
        "metric": "gate_failure_rate",
        "by": ["task_type"],
        "where": {"task_type": ["code"]},
        "over": "6h",
        "above": 0.05,
        "judge": "interval",
        "min_count": 50,
        "for": "10m",
        "labels": _TICKET,
        "annotations": {
            "summary": "{{ $labels.task_type }}: {{ $value | humanizePercentage }} of {{ $n }} answers fail their gate"
        },
    },
    "Latency of a lane": {
        "metric": "latency_p95",
        "by": ["lane"],
        "over": "1h",
        "above": 5000,
        "min_count": 50,
        "for": "10m",
        "labels": _TICKET,
        "annotations": {"summary": "{{ $labels.lane }}: 95% of {{ $n }} requests took up to {{ $value }} ms"},
    },
}
