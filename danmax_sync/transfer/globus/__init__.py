"""The road over Globus: batches of files as tasks, a journal that survives every kill, files landed as streams land."""
