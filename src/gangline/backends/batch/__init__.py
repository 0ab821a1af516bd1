"""Jobs of a site's scheduler as engines, and the schedulers that are known."""
