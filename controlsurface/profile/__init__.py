"""Before launch: which model answers which task well enough, from prompts that each of them has answered."""
