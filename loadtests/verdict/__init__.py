"""What a load test found: figures, what was checked again from timelines, and whether it passed."""
