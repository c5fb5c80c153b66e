"""The dashboard as a server: who is let in, for how long, and what stands around its pages."""
