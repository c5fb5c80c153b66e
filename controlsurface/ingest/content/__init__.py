"""The content policy: what is kept of a body is what is known to be harmless, in every signal and at every depth."""

from controlsurface.ingest.content.content_policy import METRIC_DESCRIPTION_KEY, SPAN_STATUS_KEY, ContentPolicy
