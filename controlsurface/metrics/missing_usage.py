"""What is said of calls that came without token counts, wherever a page or a command comes across them."""

STREAM_USAGE_HINT = "set `stream_options.include_usage`"
SPAN_USAGE_HINT = "set `gen_ai.usage.input_tokens` and `gen_ai.usage.output_tokens`"


def missing_usage_text(calls: int, streamed: int) -> tuple[str, str]:
    """What is missing, and what to do: one thing for streams, another for answers that came whole.

    >>> missing_usage_text(60, 60)
    ('60 streamed calls came without usage', 'set `stream_options.include_usage`')
    >>> missing_usage_text(1, 0)[0]
    '1 call came without usage'
    >>> missing_usage_text(9, 2)[0]
    '9 calls, 2 of them streamed, came without usage'
    """
    noun = "call" if calls == 1 else "calls"
    if streamed >= calls:
        return f"{calls:,} streamed {noun} came without usage", STREAM_USAGE_HINT
    if not streamed:
        return f"{calls:,} {noun} came without usage", f"{SPAN_USAGE_HINT}; if they are streamed, {STREAM_USAGE_HINT}"
    return (
        f"{calls:,} {noun}, {streamed:,} of them streamed, came without usage",
        f"{STREAM_USAGE_HINT}; for others {SPAN_USAGE_HINT}",
    )
