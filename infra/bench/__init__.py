"""`make bench`: what docs claim, measured on this machine, each against its baseline in the same run."""
