"""The load: one process without a client library, over prepared bytes. It imports nothing of the servers.

A response costs it one ``recv``, one search for the end of the head and one ``send``; its own CPU share is part of
every result, so that a reader sees who was the bottleneck.
"""
