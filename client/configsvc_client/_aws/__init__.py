"""AWS without boto3: credentials, signatures, KMS and its endpoints."""
