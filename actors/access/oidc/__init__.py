"""Tokens of an OpenID Connect issuer (JWT) beside the keys of the installation.

``settings`` says whose tokens count, ``fetching`` gets the issuer's keys, ``key_set`` knows them and how old they are,
``tokens`` reads a token, ``issuer`` puts them together and remembers what it verified.
"""
