"""The composition root: settings, launch, command line, demo. It may import everything; nothing imports it."""
