"""Where scans can be got from: a folder, SFTP. List, stat, read."""
