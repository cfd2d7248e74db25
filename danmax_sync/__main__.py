"""``python -m danmax_sync``."""

from danmax_sync.cli import main

if __name__ == "__main__":
    main()
