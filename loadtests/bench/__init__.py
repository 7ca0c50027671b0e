"""``make bench``: servers as processes of their own, a generator that is not the bottleneck, interleaved rounds.

``generator`` makes the load, ``servers`` runs who is measured, ``sessions`` interleaves, ``figures`` turns rounds into
what was wanted and what was measured, ``report`` writes JSON, Markdown and plots.
"""
