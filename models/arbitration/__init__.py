"""From candidates to chosen items: gates, contact policies, choice and explanation. Called by ``models.turn``."""
