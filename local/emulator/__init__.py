"""The emulator of AWS as processes of ours."""
