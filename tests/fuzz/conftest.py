"""The fuzzers are programs: pytest must not import them, since they instrument what they import."""

collect_ignore_glob = ["fuzz_*.py"]
