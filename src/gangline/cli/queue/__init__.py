"""Commands about a queue of durable jobs."""
