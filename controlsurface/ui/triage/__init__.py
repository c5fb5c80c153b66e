"""The triage page: what an alert or selection is put down to, in words, and what shows it."""
