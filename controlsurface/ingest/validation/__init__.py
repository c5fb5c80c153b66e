"""The checks between the socket and the journal, in this process or in one of their own."""
