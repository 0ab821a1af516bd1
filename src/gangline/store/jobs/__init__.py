"""The queue of durable jobs in a database: SQLite for one host, PostgreSQL for many."""
