"""Lists are put in order by the database, as the list itself would do it, and read as they are looked at."""
