"""Keeping an installation in being on one node or many: placement, moves, and the loop that carries them out."""
