"""Single requests: search, table, card, routing reason and trace."""
