"""From candidates to chosen items: gates, contact policies, the choice and its explanation. Called by ``models.turn``."""
