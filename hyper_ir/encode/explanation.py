"""What a query becomes: word pieces, terms with their weights, the prompts it attends to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from rich.cells import cell_len

from hyper_ir.encode.engine import Engine, tokenised
from hyper_ir.encode.impacts import impacts
from hyper_ir.models.divergence import jensen_shannon
from hyper_ir.wording import counted

BAR = 30
"""Characters of the longest bar."""

PROMPTS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Term:
    """A term of a query's vector.

    Attributes
    ----------
    token: as the index spells it.
    weight: what the model gives it.
    impact: the integer that is searched with.
    own: whether it is one of the query's own word pieces; else the model added it.
    """

    token: str
    weight: float
    impact: int
    own: bool


@dataclass(frozen=True)
class Explanation:
    """One query, seen through.

    Attributes
    ----------
    query: its text.
    tokens: its word pieces, special tokens left out.
    terms: what it is searched with, heaviest first; none for a dense model.
    prompt_attention: each prompt's share in its prefix, by the prompts' numbers; None for a model
        without prompts, or with static ones.
    static_prompts: whether the model gives every query the same prefix.
    """

    query: str
    tokens: list[str]
    terms: list[Term]
    prompt_attention: list[float] | None
    static_prompts: bool = False

    def top_prompts(self, count: int = PROMPTS_SHOWN) -> list[tuple[int, float]]:
        """The numbers (from 0) and shares of the prompts with the largest shares."""
        shares = enumerate(self.prompt_attention or [])
        return sorted(shares, key=lambda each: (-each[1], each[0]))[:count]

    def text(self, terms: int = 20, prompts: int = PROMPTS_SHOWN) -> str:
        """Lines for a terminal, with the heaviest ``terms`` and ``prompts``."""
        lines = [f"query: {_printable(self.query)}", f"word pieces: {' '.join(self.tokens)}"]
        own = sum(term.own for term in self.terms)
        lines.append(f"{counted(len(self.terms), 'term')}, {own:,} of them (*) its own pieces")
        shown = self.terms[:terms]
        width = max(map(cell_len, ["term", *(term.token for term in shown)]))
        digits = max(map(len, ["impact", *(str(term.impact) for term in shown)]))
        if shown:
            lines.append(f"  {'term':{width}}    weight {'impact':>{digits}}")
        for term in shown:
            name = term.token + " " * (width - cell_len(term.token))
            bar = _bar(term.weight, shown[0].weight)
            mark = "*" if term.own else " "
            lines.append(f"  {name} {mark} {term.weight:7.3f} {term.impact:{digits}d} {bar}")
        if len(self.terms) > len(shown):
            lines.append(f"  and {len(self.terms) - len(shown):,} more")
        if self.static_prompts:
            lines.append("the prompts are static: the same prefix for every query")
        if self.prompt_attention is not None:
            lines.append(f"attention over {counted(len(self.prompt_attention), 'prompt')}")
            top = self.top_prompts(prompts)
            digits = max((len(str(number)) for number, _ in top), default=0)
            lines += [
                f"  prompt {number:{digits}d} {share:6.1%} {_bar(share, top[0][1])}"
                for number, share in top
            ]
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """All of it as JSON can hold it."""
        top = [{"prompt": number, "share": share} for number, share in self.top_prompts()]
        return {**asdict(self), "top_prompts": None if self.prompt_attention is None else top}


def explain(engine: Engine, query: str) -> Explanation:
    """See a query through, by an engine of the query side.

    Raises ValueError where there is nothing to see: a dense model without prompts.
    """
    prompts = engine.tower.prompts
    if not engine.sparse and prompts is None:
        name = engine.retriever.called
        raise ValueError(f"{name}: a dense model without prompts has no terms to explain")
    tokenizer = engine.retriever.tokenizer
    ids = tokenised(tokenizer, [query], engine.max_length)[0]
    special = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
    own = [id for id in ids if id not in special]
    tokens: list[str] = tokenizer.convert_ids_to_tokens(own)
    static = prompts is not None and not prompts.config.query_conditional
    if not ids:  # a tokenizer without special tokens gives nothing for an empty text
        return Explanation(query, tokens, [], None, static)
    vectors, attention = engine.encoding([ids])
    return Explanation(
        query,
        tokens,
        _terms(engine, vectors, set(own)) if engine.sparse else [],
        None if attention is None or static else attention[0].tolist(),
        static,
    )


def _terms(engine: Engine, vectors: torch.Tensor, own: set[int]) -> list[Term]:
    components, values = impacts(vectors, engine.quantiser)[0]
    weights = vectors[0].tolist()
    terms = [
        Term(engine.tokens[component], weights[component], impact, component in own)
        for component, impact in zip(components.tolist(), values.tolist(), strict=True)
    ]
    return sorted(terms, key=lambda term: -term.weight)


def prompt_divergence(explanations: Sequence[Explanation]) -> list[list[float]] | None:
    """How far the prompt attentions of queries are from each other, pair by pair.

    Jensen–Shannon divergence in nats, from 0 (the same) to ln 2; None where there are no prompts,
    or static ones.
    """
    shares = [each.prompt_attention for each in explanations if each.prompt_attention is not None]
    if not shares or len(shares) < len(explanations):
        return None
    attention = torch.tensor(shares, dtype=torch.float64)
    matrix: list[list[float]] = jensen_shannon(attention.unsqueeze(1), attention).tolist()
    return matrix


def _bar(value: float, largest: float) -> str:
    return "#" * max(1, round(BAR * value / largest)) if largest > 0 else ""


def _printable(text: str) -> str:
    """In one line, without what would steer a terminal."""
    return "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))
