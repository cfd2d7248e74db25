"""Source to master to record to catalogue: brings the catalogue up to date."""
