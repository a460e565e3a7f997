from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from hyper_ir.encode.engine import Engine, EngineConfig
from hyper_ir.encode.explain import in_words, main
from hyper_ir.encode.explanation import Explanation, Term, explain, prompt_divergence
from hyper_ir.encode.impacts import Quantiser
from hyper_ir.models.prompt_config import PromptConfig
from hyper_ir.models.prompt_initialisation import new_prompts
from hyper_ir.models.retriever import Retriever
from tests.models.naive_divergence import naive_jsd
from tests.tiny_models import FAMILIES, TEXTS, save_checkpoint

CONFIG = PromptConfig(
    prompts=7, length=4, query_hidden=8, prefix_hidden=6, bias=True, initialisation="normal"
)


def prompted(folder: Path, config: PromptConfig = CONFIG, masked_lm: bool = True) -> Retriever:
    retriever = Retriever.from_pretrained(save_checkpoint(folder, masked_lm=masked_lm))
    return retriever.with_prompts(new_prompts(config, retriever.query.backbone))


def engine(retriever: Retriever, **more: object) -> Engine:
    return Engine(retriever, "query", EngineConfig(max_length=32), Quantiser(**more))  # type: ignore[arg-type]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("text", TEXTS)
def test_terms_are_those_that_are_searched_with(tmp_path: Path, family: str, text: str) -> None:
    retriever = Retriever.from_pretrained(save_checkpoint(tmp_path / family, family))
    made = engine(retriever)
    explanation = explain(made, text)
    assert {term.token: term.impact for term in explanation.terms} == made.encode([text])[0]
    weights = [term.weight for term in explanation.terms]
    assert weights == sorted(weights, reverse=True)
    assert all(
        round(term.weight * 100) == pytest.approx(term.impact, abs=1) for term in explanation.terms
    )
    pieces = retriever.tokenizer.tokenize(text)
    assert explanation.tokens == pieces
    names = {made.tokens[retriever.tokenizer.convert_tokens_to_ids(piece)] for piece in pieces}
    assert all(term.own == (term.token in names) for term in explanation.terms)
    assert explanation.prompt_attention is None
    assert explanation.top_prompts() == []


def test_pruning_and_the_factor_are_those_of_the_engine(tmp_path: Path) -> None:
    retriever = Retriever.from_pretrained(save_checkpoint(tmp_path / "bert"))
    made = engine(retriever, factor=10.0, top_k=4)
    terms = explain(made, TEXTS[0]).terms
    assert {term.token: term.impact for term in terms} == made.encode(TEXTS[:1])[0]
    assert len(terms) == 4


def test_the_prompt_attention_is_the_towers_own(tmp_path: Path) -> None:
    retriever = prompted(tmp_path / "bert")
    explanation = explain(engine(retriever), TEXTS[1])
    batch = retriever.tokenizer([TEXTS[1]], return_tensors="pt")
    with torch.inference_mode():
        expected = retriever.query.encode(batch["input_ids"], batch["attention_mask"])
    assert expected.prompt_attention is not None
    assert explanation.prompt_attention == pytest.approx(expected.prompt_attention[0].tolist())
    top = explanation.top_prompts(3)
    assert len(top) == 3
    assert top[0][1] == max(explanation.prompt_attention or [])
    assert [share for _, share in top] == sorted((share for _, share in top), reverse=True)


def test_dense_models_show_their_prompts_or_nothing(tmp_path: Path) -> None:
    explanation = explain(engine(prompted(tmp_path / "a", masked_lm=False)), TEXTS[0])
    assert explanation.terms == []
    assert len(explanation.prompt_attention or []) == 7
    plain = Retriever.from_pretrained(save_checkpoint(tmp_path / "b", masked_lm=False))
    with pytest.raises(ValueError, match="dense model without prompts"):
        explain(engine(plain), TEXTS[0])


def test_static_prompts_are_told_and_not_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    static = replace(CONFIG, query_conditional=False)
    retriever = prompted(tmp_path / "bert", static)
    explanation = explain(engine(retriever), TEXTS[0])
    assert explanation.static_prompts
    assert explanation.prompt_attention is None
    assert explanation.terms
    lines = explanation.text().splitlines()
    assert lines[-1] == "the prompts are static: the same prefix for every query"
    assert not any("attention" in line for line in lines)
    retriever.save_pretrained(tmp_path / "saved")
    main(["--encoder", str(tmp_path / "saved"), "--json", *TEXTS[:1], "--against", *TEXTS[1:2]])
    value = json.loads(capsys.readouterr().out)
    assert value["prompt_divergence"] is None
    for each in value["queries"]:
        assert each["static_prompts"] is True
        assert (each["prompt_attention"], each["top_prompts"]) == (None, None)
    assert not explain(engine(prompted(tmp_path / "other")), TEXTS[0]).static_prompts


def test_divergences_are_those_of_the_definition(tmp_path: Path) -> None:
    made = engine(prompted(tmp_path / "bert"))
    explanations = [explain(made, text) for text in TEXTS[:4]]
    matrix = prompt_divergence(explanations)
    assert matrix is not None
    for first, row in zip(explanations, matrix, strict=True):
        for second, value in zip(explanations, row, strict=True):
            assert first.prompt_attention is not None
            assert second.prompt_attention is not None
            exact = naive_jsd(first.prompt_attention, second.prompt_attention)
            assert value == pytest.approx(exact, abs=1e-9)
    without = replace(explanations[0], prompt_attention=None)
    assert prompt_divergence([without]) is None
    assert prompt_divergence([*explanations, without]) is None


SMALL = Explanation(
    "two\ttables\x1b[31m",
    ["two", "tables"],
    [
        Term("tables", 2.0, 200, True),
        Term("表", 1.0, 100, False),
        Term("##ing", 0.004, 1, False),
    ],
    [0.25, 0.5, 0.25],
)


def test_the_text_is_aligned_and_in_proportion() -> None:
    lines = SMALL.text(terms=2, prompts=2).splitlines()
    assert lines == [
        "query: two tables?[31m",
        "word pieces: two tables",
        "3 terms, 1 of them (*) its own pieces",
        "  term      weight impact",
        "  tables *   2.000    200 " + "#" * 30,
        "  表         1.000    100 " + "#" * 15,
        "  and 1 more",
        "attention over 3 prompts",
        "  prompt 1  50.0% " + "#" * 30,
        "  prompt 0  25.0% " + "#" * 15,
    ]
    assert SMALL.text().splitlines()[6] == "  ##ing      0.004      1 #"
    empty = Explanation("", [], [], None).text()
    assert empty.splitlines()[-1] == "0 terms, 0 of them (*) its own pieces"


def test_json_has_everything() -> None:
    value = json.loads(json.dumps(SMALL.as_json()))
    assert value["query"] == SMALL.query
    assert value["terms"][1] == {"token": "表", "weight": 1.0, "impact": 100, "own": False}
    assert value["prompt_attention"] == [0.25, 0.5, 0.25]
    assert value["top_prompts"][0] == {"prompt": 1, "share": 0.5}
    without = replace(SMALL, prompt_attention=None).as_json()
    assert (without["prompt_attention"], without["top_prompts"]) == (None, None)


def test_several_queries_are_compared() -> None:
    other = replace(SMALL, query="other", prompt_attention=[1.0, 0.0, 0.0])
    shown = in_words([SMALL, other], prompt_divergence([SMALL, other]), 20).splitlines()
    expected = naive_jsd([0.25, 0.5, 0.25], [1.0, 0.0, 0.0])
    assert shown[-2] == f"       1  0.0000{expected:8.4f}"
    assert shown[-1] == f"       2{expected:8.4f}  0.0000"
    alone = replace(SMALL, prompt_attention=None)
    assert in_words([alone, alone], None, 20).endswith("no prompts that could be compared")
    assert "divergence" not in in_words([SMALL], prompt_divergence([SMALL]), 20)


def test_the_verb_prints_text_and_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prompted(tmp_path / "bert").save_pretrained(tmp_path / "saved")
    model = ["--encoder", str(tmp_path / "saved"), "--max-length", "32"]
    main([*model, TEXTS[0], "--terms", "3"])
    shown = capsys.readouterr().out
    assert shown.startswith(f"query: {TEXTS[0]}")
    assert sum("#" in line and "prompt" not in line for line in shown.splitlines()) >= 3
    main([*model, "--json", TEXTS[0], "--against", *TEXTS[1:3]])
    value = json.loads(capsys.readouterr().out)
    assert [each["query"] for each in value["queries"]] == TEXTS[:3]
    assert [len(row) for row in value["prompt_divergence"]] == [3, 3, 3]
    with pytest.raises(ValueError, match="--terms: -1"):
        main([*model, TEXTS[0], "--terms", "-1"])


@pytest.mark.parametrize("verb", ["explain", "export"])
def test_the_verbs_have_help_with_an_example(verb: str) -> None:
    command = [sys.executable, "-m", f"hyper_ir.encode.{verb}", "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "example" in shown
    assert f"python -m hyper_ir.encode.{verb} --encoder" in shown


@pytest.mark.jvm
def test_the_query_encoder_explains(tmp_path: Path) -> None:
    from hyper_ir.encode import HyperQueryEncoder

    encoder = HyperQueryEncoder(prompted(tmp_path / "bert"), device="cpu", max_length=32)
    explanation = encoder.explain(TEXTS[0])
    assert {term.token: term.impact for term in explanation.terms} == encoder.encode(TEXTS[0])
    assert len(explanation.prompt_attention or []) == 7
