"""What control costs: architectures, incidents and storage, and how they meet over volume."""
