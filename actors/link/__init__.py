"""A framed, authenticated, pipelined request and response link between processes of one installation."""
