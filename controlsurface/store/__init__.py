"""The speakers of SQL engines, and nobody else."""
