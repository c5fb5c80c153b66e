"""What is said of calls that came without token counts, wherever a page or a command comes across them."""

ASK_FOR_IT = "set `stream_options.include_usage`"
SEND_IT = "set `gen_ai.usage.input_tokens` and `gen_ai.usage.output_tokens`"


def said(calls: int, streamed: int) -> tuple[str, str]:
    """What is missing, and what to do: one thing for streams, another for answers that came whole.

    >>> said(60, 60)
    ('60 streamed calls came without usage', 'set `stream_options.include_usage`')
    >>> said(1, 0)[0]
    '1 call came without usage'
    >>> said(9, 2)[0]
    '9 calls, 2 of them streamed, came without usage'
    """
    noun = "call" if calls == 1 else "calls"
    if streamed >= calls:
        return f"{calls:,} streamed {noun} came without usage", ASK_FOR_IT
    if not streamed:
        return f"{calls:,} {noun} came without usage", f"{SEND_IT}; if they are streamed, {ASK_FOR_IT}"
    return f"{calls:,} {noun}, {streamed:,} of them streamed, came without usage", f"{ASK_FOR_IT}; for others {SEND_IT}"
