"""Code as operators write it, for the type checkers; see `sample_user_code.py`."""

from __future__ import annotations

from typing import assert_type

from configsvc_client.admin import Admin, from_environ

admin = from_environ({})
assert_type(admin, Admin)
served = admin.values.get("payments.prod", "db.url")
assert_type(served.data, bytes)
