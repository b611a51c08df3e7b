"""AWS: the table, the queues, the bucket and the secrets."""
