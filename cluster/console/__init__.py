"""The console: pages for people, rendered on the server, that know nothing but what the public calls tell.

One request is one ``View``: the viewer's session, their query, and an ``Api`` that asks with their own key. Pages are
handlers in ``pages/`` that get a ``View`` and give back a response; ``app.py`` is the frame around them.
"""
