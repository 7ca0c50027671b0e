"""The ways into the console and out of it: links that open once, sessions, sign-out.

``sealed`` keeps both in the installation's store, ``links`` makes a link for whoever shows a key, ``entering`` opens
one, ``cookies`` says how a browser is to hold its session, ``leaving`` ends it, ``door`` puts them before the pages.
"""
