from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyper_ir.export.field_names import field_name, token_of


@given(st.text(st.sampled_from("%.2E5abé\\\"'#") | st.characters(exclude_categories=["Cs"])))
def test_every_token_has_a_name_without_dots_and_comes_back(token: str) -> None:
    name = field_name(token)
    assert "." not in name
    assert token_of(name) == token


def test_names_are_what_the_readme_says() -> None:
    assert field_name("3.5%") == "3%2E5%25"
    assert field_name("##ing") == "##ing"
    assert field_name("%2E") == "%252E"


@pytest.mark.parametrize("name", ["a.b", "%", "%2e", "50%", "%2"])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(ValueError, match="no name that field_name gives"):
        token_of(name)
