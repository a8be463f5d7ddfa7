"""校历: the year, its days, terms and seasons."""
