"""One page that tells what some scans are, for a logbook, a colleague or a printer."""
