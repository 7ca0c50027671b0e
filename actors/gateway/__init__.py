"""The Serve ingress: validates, authorises, routes by slot, batches per shard. Stateless."""
