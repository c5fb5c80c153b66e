"""All queries and all commands that the API has endpoints for. Where paths overlap, the first one wins."""

from typing import Any

from controlsurface.alerting import asked, silencing
from controlsurface.alerting.accepting import AcceptDrift
from controlsurface.alerting.rehearsal import Backtest
from controlsurface.alerting.thresholds import SetThreshold
from controlsurface.audit import desk, policy, questions
from controlsurface.audit.plan import MakePlan
from controlsurface.export import revisions
from controlsurface.reader import figures, ingest, rederiving, retention
from controlsurface.reader.advice import Advised
from controlsurface.reader.asking import Command, Query
from controlsurface.reader.assumed import AssumedLanes
from controlsurface.reader.cardinality import Cardinality
from controlsurface.reader.contributors import ContributorsQuery
from controlsurface.reader.coverage import Coverage
from controlsurface.reader.detail import RequestQuery
from controlsurface.reader.events import EventsQuery, RecordEvent
from controlsurface.reader.extent import Extent
from controlsurface.reader.lanes import AssignLane, LanesQuery
from controlsurface.reader.listing import RequestsQuery
from controlsurface.reader.several import Several
from controlsurface.reader.sources import SourcesQuery
from controlsurface.reader.trace import TraceQuery
from controlsurface.reader.usage_ledger import UsageLedger

QUERIES: tuple[type[Query[Any]], ...] = (
    figures.CatalogQuery,
    figures.MetricQuery,
    figures.DistributionQuery,
    figures.DimensionsQuery,
    figures.AttributionQuery,
    ContributorsQuery,
    EventsQuery,
    LanesQuery,
    AssumedLanes,
    RequestsQuery,
    RequestQuery,
    TraceQuery,
    ingest.IngestQuery,
    ingest.UnreadKeysQuery,
    ingest.DroppedKeysQuery,
    SourcesQuery,
    Several,
    Extent,
    retention.Kept,
    rederiving.Rederiving,
    UsageLedger,
    Cardinality,
    Advised,
    Coverage,
    desk.Items,
    desk.Next,
    desk.Reviewers,
    desk.Labels,
    policy.Current,
    policy.History,
    questions.Sampling,
    questions.Plan,
    questions.Disagreement,
    questions.Calibration,
    questions.WhatIf,
    revisions.WeeklyExports,
    asked.Alerts,
    asked.History,
    Backtest,
    asked.Rules,
    asked.Messages,
    silencing.Silences,
)
COMMANDS: tuple[type[Command], ...] = (
    RecordEvent,
    AssignLane,
    retention.Retain,
    rederiving.Rederive,
    desk.SayLabel,
    desk.BringLabels,
    AcceptDrift,
    policy.SetPolicy,
    policy.RollBack,
    questions.NoteSampling,
    MakePlan,
    revisions.Revise,
    silencing.PutSilence,
    silencing.ExpireSilence,
    SetThreshold,
)
