"""Pure functions from a snapshot to a tree of nodes."""
