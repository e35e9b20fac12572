"""The client against Powertools, credstash, boto3, cachetools and the AWS Encryption SDK."""
