"""Views of the organisation, by subject."""
