"""What an alert says in words and pictures: text, evidence from the requests, and a sparkline."""
