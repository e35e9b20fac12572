"""Turn a draft into a stored value: policy, keyring, sizes and sealing."""
