"""What comes in: receive, decode, translate, derive, write."""
