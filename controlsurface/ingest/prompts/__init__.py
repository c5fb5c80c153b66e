"""The content policy: what is kept of a body is what is known to be harmless, in every signal and at every depth."""

from controlsurface.ingest.prompts.policy import DESCRIPTION, STATUS, Prompts

__all__ = ["DESCRIPTION", "STATUS", "Prompts"]
