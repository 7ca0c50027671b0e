"""One customer's value: attributes, window features, contact ledger, consent, versions. Called by ``models.turn``."""
