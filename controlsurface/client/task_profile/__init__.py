"""The task profile: what each task type is, by people's word and by traffic, in versions."""
