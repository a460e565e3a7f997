"""Tokens as names that OpenSearch and Elasticsearch take for features, and back.

Both refuse a dot in the name of a feature. A dot is written ``%2E`` and a percent sign ``%25``; all
else stays as it is. So every token has one name and every name one token.
"""

from __future__ import annotations

import re

_WRITTEN = {"%": "%25", ".": "%2E"}
_READ = {name: token for token, name in _WRITTEN.items()}
_NAMES = re.compile("%25|%2E")
_REFUSED = re.compile("[%.]")


def field_name(token: str) -> str:
    """The name of a token."""
    return _REFUSED.sub(lambda found: _WRITTEN[found[0]], token)


def token_of(name: str) -> str:
    """The token of a name; raises ValueError for what is no token's name."""
    token = _NAMES.sub(lambda found: _READ[found[0]], name)
    if field_name(token) != name:
        raise ValueError(f"{name!r} is no name that field_name gives")
    return token
