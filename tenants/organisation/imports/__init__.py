"""Import of staff and places: read → check → preview → confirm → apply (see `flow`)."""
