"""The lanes of the models that tests and captures call, as a user would write them down."""

from controlsurface.config import Config, LaneConfig

LANES = {
    "small": LaneConfig(
        models=("slm*", "phi-*", "*-mini", "*-nano", "*-haiku*", "*-[1-9]b", "*-[1-9]b-*", "*-1[0-4]b*", "gemma*"),
        aliases=("slm", "weak", "simple", "medium", "cheap", "fast"),
    ),
    "large": LaneConfig(
        models=(
            "llm*",
            "gpt-*",
            "claude-*",
            "gemini-*",
            "*-large*",
            "*-[2-9][0-9]b*",
            "*-[1-9][0-9][0-9]b*",
            "o[1-9]*",
        ),
        aliases=("llm", "strong", "complex", "reasoning", "dear"),
        escalation=True,
    ),
}
LANED = Config(lanes=LANES)
