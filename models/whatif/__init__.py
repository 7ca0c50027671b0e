"""What if another catalog were live: one request decided under two catalogs, and what differs between them, in words.

Pure, and nothing of it is kept: a dry run twice. Called by ``actors.insight.what_if`` alone.
"""
