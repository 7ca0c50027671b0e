"""Who was refused: every 401, 403 and 429, in one chain of hashes per gateway, so that nothing can be taken out.

``record`` is one entry and its place in a chain, ``log`` gathers what the gateway refuses and writes it once a second,
``interface`` what a store does, ``file_denials`` and ``postgresql_denials`` do it, ``verify`` reads a chain and names
what does not fit.
"""
