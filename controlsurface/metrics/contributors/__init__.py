"""What is different between two windows: every value of every dimension, ranked, without what is said twice."""
