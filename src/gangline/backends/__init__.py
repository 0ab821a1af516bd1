"""What provides engines: this thread, threads, child processes."""
