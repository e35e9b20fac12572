"""From a draft to what is stored: the policy, the keyring, sizes and sealing."""
