"""The review desk: pairs of answers, blind and side by side, and what people say about them."""
