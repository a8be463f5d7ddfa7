"""Import of staff, places and certificates: read → check → preview → confirm → apply (see `flow`)."""
