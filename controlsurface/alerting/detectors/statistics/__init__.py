"""Pure statistics of counts and histograms: baselines, CUSUM, likelihood ratios, lane separation and mixtures."""
