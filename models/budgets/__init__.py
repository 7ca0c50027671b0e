"""Integer units by escrow: what a shard holds (``escrow``) and what the coordinator granted (``grants``)."""
