"""A data query as an engine is asked it: SQL, its values, its name; and the list of all names with what each is for.

What an engine must provide, besides a schema with the tables of `schema/`:

- `query(query, timeout_s)`: run a NamedQuery as UTC and give an Arrow table. Raises TooSlow, TooMuch, Abandoned (see
  `budget`), each naming the query. Every query of requests, calls, spans and roll-ups comes this way, with a name of
  PURPOSES: an engine with another dialect renders by name, and nothing else of the package has to know.
- `session(timeout_s)`: queries that build on each other: `query`, and `materialize(name, query)` for rows that later
  queries of the session read under that name.
- `explain(query)`: the plan it would run by, for people.

State (alerts, outbox, silences, policies, labels, plans, retention, detectors) has transactions and a handful of rows.
It stays in the embedded store (`duckdb`): `state(sql)` reads it, `writing()` changes it, and neither ever leaves it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa

Parameters = Sequence[object] | Mapping[str, object]
StateSql = tuple[str, Parameters]  # what reads or changes state tables, and its values

PURPOSES: Mapping[str, str] = {
    "advice.graded": "graded answers by lane and task type",
    "advice.repeats": "calls that repeat a prompt by task type",
    "alerts.above": "rows above a drift rule's bounds",
    "alerts.counts": "counts of a drift rule",
    "alerts.histograms": "distributions of a lane rule",
    "alerts.lanes": "lanes of the models that changed",
    "alerts.replay": "metrics of rules at many moments",
    "alerts.windows": "metrics of rules over windows that end now",
    "architectures.costs": "what requests cost with all their calls, by a dimension",
    "architectures.failures": "the steps of failed requests that failed first",
    "attribution.editions": "which editions of the price book priced a week's calls",
    "attribution.focus": "a day's calls as FOCUS charges",
    "attribution.reconcile": "estimates by day and model beside bills",
    "attribution.week": "a week's calls and cost",
    "audits.cards": "content behind an audit item",
    "audits.edges": "confidence deciles of sampled traffic",
    "audits.pairs": "answers and their shadow answers",
    "audits.traffic": "traffic that a threshold is judged by",
    "audits.volumes": "volumes behind a sampling plan",
    "cardinality.values": "values of dimensions and what is over their limit",
    "contributors.joint": "counts of all combinations of dimensions",
    "contributors.ranked": "contributors by significance",
    "contributors.region": "what is different about a region of a heatmap",
    "contributors.whole": "contributors as one statement",
    "contributors.within": "contributors within the leading value",
    "coverage.shares": "which share of rows has a field",
    "dimensions.values": "values of dimensions",
    "entropy.query": "paths of requests, their shares, entropy and branching",
    "events.list": "changes, recorded and found",
    "hardware.used": "time that calls took of own hardware",
    "ingest.sources": "services that send",
    "metrics.batch": "several metrics of one source",
    "metrics.bins": "a distribution",
    "metrics.query": "one metric",
    "metrics.quantiles": "quantiles of one column",
    "profile.traffic": "traffic of each task type",
    "plan.gone": "from when on rows are stored",
    "plan.pending": "which roll-up buckets are out of date",
    "plan.size": "how many rows a roll-up stands for",
    "plan.top": "the largest values of a dimension",
    "plan.weighted": "whether rows are sampled",
    "prices.calls": "what calls cost by model, and what has no price",
    "requests.attempts": "the calls of a request",
    "requests.evaluations": "the evaluations of a request",
    "requests.extent": "the first and last request",
    "requests.failures": "failed spans of requests by name",
    "requests.list": "a page of requests",
    "requests.one": "one request",
    "storage.query": "bytes of the spans of requests by a dimension",
    "strategies.overhead": "what the router's own calls cost a request",
    "storage.tables": "rows and bytes of each table",
    "traces.spans": "the spans of a trace",
    "units.runs": "runs of jobs and what they cost",
    "units.summary": "cost per run, session or completed task",
    "costs.switching": "what changes of the model within sessions cost",
    "usage.ledger": "spans with tokens or a cost",
}


@dataclass(frozen=True, slots=True)
class NamedQuery:
    """SQL text with `$name` placeholders, their values, and a name of PURPOSES."""

    sql: str
    parameters: Mapping[str, Any]
    name: str

    def __str__(self) -> str:
        """As errors and logs name it: `metrics.query (one metric)`."""
        return f"{self.name} ({PURPOSES[self.name]})" if self.name in PURPOSES else self.name


class QueryEngine(Protocol):
    """Whoever runs data queries: the store, or the server that has it."""

    def query(self, query: NamedQuery, timeout_s: float = 30) -> pa.Table:
        """Run a query. Raises TooSlow, TooMuch, Abandoned."""
        ...
