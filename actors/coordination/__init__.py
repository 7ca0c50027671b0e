"""The parts of the ``Coordinator`` actor: its journal, its calls of the shards, and what it answers."""
