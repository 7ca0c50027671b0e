"""Spans of single requests, from the gateway to the journal's commit. Off unless asked for; off, nothing is made."""
