"""Gangline's queue of durable jobs and its peers, each with workers as its own documentation starts them."""
