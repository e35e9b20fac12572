"""Values of the model, as hypothesis draws them."""

from hypothesis import strategies as st

from configsvc.model import names
from configsvc.model.encoding import to_base64url
from configsvc.model.envelope import Header
from configsvc.model.snapshot import CONTENT_TYPES

NAMESPACES = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,63}", fullmatch=True).map(names.parse_namespace)
KEYS = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,254}", fullmatch=True).map(names.parse_key)
KIDS = st.binary(min_size=32, max_size=32).map(lambda raw: names.parse_kid(to_base64url(raw)))
CONTENT_TYPE = st.sampled_from(CONTENT_TYPES)
HEADERS = st.builds(Header, NAMESPACES, KEYS, st.integers(1, 10**10 - 1), CONTENT_TYPE, KIDS)
