from __future__ import annotations

import pytest

from hyper_ir.data.vectors import EMPTY_QUERY
from hyper_ir.search.exact import ExactSearcher
from hyper_ir.search.query_checks import (
    check_known,
    check_plain_texts,
    refuse_plain_texts,
    within_limit,
)

SEARCHER = ExactSearcher({"a": {"x": 2, "y": 1}, "b": {"x": 5}}.items())


@pytest.mark.parametrize(
    ("queries", "tsv", "sign"),
    [
        ([("q", {"x": 90, "is": 80, "this": 70})], True, "only 1 of their 3 tokens occur"),
        ([("q", {"x": 90, "is": 80, "this": 70})], False, "only 1 of their 3 tokens occur"),
        ([("q", {"x": 1, "y": 1})], False, ""),
        ([("q", {"x": 3, "no": 2})], True, ""),  # half of the tokens are known
        ([("q", {EMPTY_QUERY: 1}), ("p", {"x": 9})], True, ""),
        ([("q", {EMPTY_QUERY: 1})], True, ""),
    ],
)
def test_what_may_be_texts_is_told(
    queries: list[tuple[str, dict[str, int]]],
    tsv: bool,
    sign: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    check_plain_texts(SEARCHER, queries, "t.tsv", tsv)
    said = capsys.readouterr().err
    assert bool(said) == bool(sign)
    assert sign in said
    assert not sign or "warning: are the topics of t.tsv plain texts" in said


@pytest.mark.parametrize("vector", [{"x": 1, "y": 1}, {"x": 1, "is": 1, "this": 1}])
def test_what_looks_like_texts_is_refused(vector: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"t\.tsv look like plain texts: .* need --encoder MODEL"):
        refuse_plain_texts([("q", vector)], "t.tsv")


def test_no_known_token_is_refused_and_few_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    lost = ("lost", {"no": 1})
    with pytest.raises(ValueError, match=r"none in t \(1 topic\) has a token that occurs in i; pl"):
        check_known(SEARCHER, [lost], "t", "i")
    check_known(SEARCHER, [("q", {EMPTY_QUERY: 1})], "t", "i")
    assert capsys.readouterr().err == ""
    check_known(SEARCHER, [("q", {"x": 1}), *[lost] * 5], "t", "i")
    told = "5 of 6 topics have no token that occurs in the index (lost, lost, lost, …); they find"
    assert told in capsys.readouterr().err


def test_long_queries_keep_their_heaviest_tokens(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("hyper_ir.search.query_checks.CLAUSE_LIMIT", 3)
    monkeypatch.setattr("hyper_ir.search.query_checks.STOCK_CLAUSE_LIMIT", 2)
    queries = [(id, {token: ord(token) for token in id}) for id in ("ab", "abc", "abcd")]
    kept = dict(within_limit(queries))
    assert ["".join(sorted(vector)) for vector in kept.values()] == ["ab", "abc", "bcd"]
    said = capsys.readouterr().err
    assert "2 topics have over 2 tokens" in said
    assert "1 topic has over 3 tokens (abcd): searched with their heaviest" in said
