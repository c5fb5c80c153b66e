"""Which lane a model belongs to: assigned by somebody, written into the configuration file, or inferred from list prices."""
