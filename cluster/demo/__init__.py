"""The demo: Complete Journey households replayed through the public API."""
