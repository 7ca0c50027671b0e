"""The coordinator's state machine: grants, catalog, evidence and scorer versions, the manual clock."""
