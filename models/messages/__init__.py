"""Pydantic models of the bodies in the contract, independent of any transport. Called by the gateway and the tools."""
