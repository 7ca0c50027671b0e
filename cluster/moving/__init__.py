"""Whole installations on the move while they are stopped: into another store, into a backup and back.

What an owner (a shard, the coordinator) keeps is rows of a few tables, the same in every store (``tables``). A *place*
reads and writes them in the order of their keys (``sqlite_place``, ``postgresql_place``, ``backup_place``), so that
copying (``copying``) goes page by page, goes on where it was interrupted, and is proved by counts and hashes.
"""
