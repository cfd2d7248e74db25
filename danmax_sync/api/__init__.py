"""What Python programs and notebooks use; everything in here is had from ``danmax_sync`` itself."""
