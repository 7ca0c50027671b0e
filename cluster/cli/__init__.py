"""The ``kairos`` command: one module per command."""
