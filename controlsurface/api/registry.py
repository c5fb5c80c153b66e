"""All queries and all commands that the API has endpoints for. Where paths overlap, the first one wins."""

from typing import Any

from controlsurface.alerting import alert_queries
from controlsurface.alerting.backtest_query import BacktestQuery
from controlsurface.alerting.delivery import silence_commands
from controlsurface.alerting.detectors.drift.rebaseline_command import AcceptBaseline
from controlsurface.alerting.rules.threshold_edit import SetThreshold
from controlsurface.audit import answer_review, audit_queries, policy
from controlsurface.audit.sampling_plan import CreatePlanCommand
from controlsurface.client.advice import AdviceQuery
from controlsurface.client.coverage import CoverageQuery
from controlsurface.client.queries import ingest_summary, metric_queries, rederivation, retention_status
from controlsurface.client.queries.assumed_lanes import AssumedLanesQuery
from controlsurface.client.queries.cardinality_query import CardinalityQuery
from controlsurface.client.queries.contributor_result import ContributorsQuery
from controlsurface.client.queries.event_list import EventsQuery, RecordEvent
from controlsurface.client.queries.lane_list import AssignLane, LanesQuery
from controlsurface.client.queries.metric_batch import MetricBatchQuery
from controlsurface.client.queries.request_detail import RequestQuery
from controlsurface.client.queries.request_list import RequestsQuery
from controlsurface.client.queries.span_sources import SourcesQuery
from controlsurface.client.queries.stored_extent import ExtentQuery
from controlsurface.client.queries.trace_spans import TraceQuery
from controlsurface.client.queries.usage_ledger_query import UsageLedgerQuery
from controlsurface.client.query_protocol import Command, Query
from controlsurface.export import weekly_revisions

QUERIES: tuple[type[Query[Any]], ...] = (
    metric_queries.CatalogQuery,
    metric_queries.MetricQuery,
    metric_queries.DistributionQuery,
    metric_queries.DimensionsQuery,
    metric_queries.AttributionQuery,
    ContributorsQuery,
    EventsQuery,
    LanesQuery,
    AssumedLanesQuery,
    RequestsQuery,
    RequestQuery,
    TraceQuery,
    ingest_summary.IngestQuery,
    ingest_summary.UnreadKeysQuery,
    ingest_summary.DroppedKeysQuery,
    SourcesQuery,
    MetricBatchQuery,
    ExtentQuery,
    retention_status.RetentionQuery,
    rederivation.RederivationQuery,
    UsageLedgerQuery,
    CardinalityQuery,
    AdviceQuery,
    CoverageQuery,
    answer_review.ReviewItemsQuery,
    answer_review.NextItemQuery,
    answer_review.ReviewerAgreementQuery,
    answer_review.LabelsQuery,
    policy.CurrentPolicyQuery,
    policy.PolicyHistoryQuery,
    audit_queries.SamplingQuery,
    audit_queries.SamplingPlanQuery,
    audit_queries.DisagreementQuery,
    audit_queries.CalibrationQuery,
    audit_queries.WhatIfQuery,
    weekly_revisions.WeeklyExports,
    alert_queries.AlertsQuery,
    alert_queries.AlertHistoryQuery,
    BacktestQuery,
    alert_queries.AlertRulesQuery,
    alert_queries.NotificationsQuery,
    silence_commands.SilencesQuery,
)
COMMANDS: tuple[type[Command], ...] = (
    RecordEvent,
    AssignLane,
    retention_status.ApplyRetentionCommand,
    rederivation.RederiveCommand,
    answer_review.SetLabelCommand,
    answer_review.ImportLabelsCommand,
    AcceptBaseline,
    policy.SetPolicyCommand,
    policy.RollbackCommand,
    audit_queries.LogSamplingCommand,
    CreatePlanCommand,
    weekly_revisions.RecordExport,
    silence_commands.PutSilence,
    silence_commands.ExpireSilence,
    SetThreshold,
)
