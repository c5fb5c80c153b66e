"""How often and where the lanes would disagree, what the confidence means, and what another threshold would do."""
