"""What the pages show, worked out of what the calls answered: plain values, no request, no template."""
