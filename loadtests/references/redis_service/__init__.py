"""The usual way to build this: FastAPI, Redis and xgboost, as a good engineer would for production.

What it promises, like Kairos: contact caps over sliding windows and budgets are exact (one Lua script per decision
checks and takes them), one request id has one effect and one answer for seven days, and the answer leaves when the
write is on disk (``appendfsync always``; the benchmark shows ``everysec`` too). What makes it quick: a customer is one
packed value, read and written whole under its version; whatever waits together shares one ``MGET``, one prediction and
one pipeline; rules are compiled Python; uvloop, httptools, hiredis, orjson, a Unix socket; no AOF rewriting while it is
measured.

What it leaves out, in its favour: windows of features by whole days, no timeline, no audit trail that can be run again,
no exact probabilities after caps, no timers, intents or erasure, one Redis without a replica.
"""
