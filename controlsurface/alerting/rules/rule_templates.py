"""Rules to begin with, such as a team's budget or the quality gate of a kind of work; their values are examples."""

from collections.abc import Iterable, Mapping
from typing import Any

from controlsurface.alerting.rules.yaml_edit import table_lines
from controlsurface.config.budgets import BudgetConfig

_BUDGET_PERIODS = {"week": "7d", "month": "30d"}
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


def budget_rule(budget: BudgetConfig) -> dict[str, Any]:
    """A rule that fires while a configured budget is spent half as fast again as it allows.

    >>> rule = budget_rule(BudgetConfig(name="Search", usd=500, team="search"))
    >>> rule["alert"], rule["where"], rule["budget"]
    ('BudgetBurn Search', {'team': ['search']}, {'usd': 500, 'period': '30d', 'burn': 1.5})
    """
    usd = int(budget.usd) if budget.usd == budget.usd.to_integral_value() else float(budget.usd)
    owner = {name: [value] for name, value in budget.owner.items()}
    return {
        "alert": f"BudgetBurn {budget.name}"[:100],
        "budget": {"usd": usd, "period": _BUDGET_PERIODS[budget.period], "burn": 1.5},
        **({"where": owner} if owner else {}),
        "over": "6h",
        "for": "15m",
        "keep_firing_for": "1h",
        "labels": _TICKET,
        "annotations": {
            "summary": "{{ $labels.alertname }}: money goes {{ $value }} times faster than the budget allows"
        },
    }


def budget_rules_file(budgets: Iterable[BudgetConfig]) -> str:
    """A rule file (YAML) with a rule for each budget."""
    rules = "".join(f"{table_lines(budget_rule(each), 6)}\n" for each in budgets)
    return f"groups:\n  - name: budgets\n    rules:\n{rules}"
