"""A store on one machine: the calls of DynamoDB, SQS, S3 and Secrets Manager on SQLite."""
