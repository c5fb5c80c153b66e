"""Control Surface: the instrument panel and ledger of a router-first LLM system."""

__version__ = "0.1.0"
