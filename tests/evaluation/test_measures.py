from __future__ import annotations

import ir_measures
import pytest

from hyper_ir.evaluation.measures import DEFAULT, parse_measures


def test_names_of_ir_measures_kilt_and_trec_eval() -> None:
    names = ["nDCG@10", "KILTRprec", "KILTR@5", "RR(rel=2)@10", "map", "recall.100", "ndcg_cut_10"]
    expected = ["nDCG@10", "KILTRprec", "KILTR@5", "RR(rel=2)@10", "AP", "R@100"]
    assert [str(measure) for measure in parse_measures(names)] == expected


def test_several_in_one_string_and_each_once() -> None:
    assert [str(each) for each in parse_measures(["P@1 P@5", "P@1"])] == ["P@1", "P@5"]


def test_defaults_parse() -> None:
    assert [str(each) for each in parse_measures(DEFAULT)] == list(DEFAULT)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("ndcg@10", "not known to ir_measures; is NDCG"),
        ("KILTRPrec", "is KILTRprec"),
        ("R", "needs its cutoff"),
        ("IPrec", "needs its recall"),
        ("P", "needs its cutoff"),
        ("official", "not known to ir_measures"),
        ("P@0", "the cutoff must be at least 1"),
        ("KILTP@0", "the cutoff must be at least 1"),
        ("P@1.5", "invalid param cutoff=1.5"),
        ("P@-1", "not of the form"),
        ("nDCG@", "not of the form"),
        ("KILTRprec@5", "unsupported params"),
        ("nDCG(foo=1)@10", "unsupported params"),
        ("NumRel(rel=2)", "no installed library computes it"),
        ("__import__('os')", "not of the form"),
        ("1", "not of the form"),
    ],
)
def test_bad_names_say_what_would_be_right(name: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint) as caught:
        parse_measures(["nDCG@10", name])
    assert repr(name) in str(caught.value)


def test_no_name_is_refused() -> None:
    with pytest.raises(ValueError, match="none given"):
        parse_measures([" "])


def test_nothing_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="official"):
        parse_measures(["official"])
    assert capsys.readouterr().out == ""


def test_every_measure_that_parses_can_be_computed() -> None:
    qrels, run = [ir_measures.Qrel("q", "a", 1)], {"q": {"a": 1.0}}
    measures = parse_measures(["nDCG@10", "AP", "RR@10", "KILTSuccess@1", "Judged@10", "Bpref"])
    assert ir_measures.calc_aggregate(measures, qrels, run)[ir_measures.AP] == 1.0
