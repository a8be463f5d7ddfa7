"""Pages of places, departments, contracts, posts, people and imports."""
