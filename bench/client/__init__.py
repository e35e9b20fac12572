"""The client beside what people would use instead: Powertools, credstash, boto3, cachetools, the AWS Encryption SDK."""
