"""Pages of long work: progress and downloads."""
