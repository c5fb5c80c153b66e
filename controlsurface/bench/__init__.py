"""The product's own benchmarks: the same work anywhere, with ratios measured in one run."""
