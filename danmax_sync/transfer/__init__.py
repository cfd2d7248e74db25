"""Complete sets: plan, move, verify, publish."""
