"""Which lane a model belongs to: assigned by somebody, written into the configuration, or inferred from list prices."""
