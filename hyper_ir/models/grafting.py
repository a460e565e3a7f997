"""A lexical head for an encoder that has none, in closed form and without training.

Ridge regression maps the encoder's last state of each token of a text to that token's centred
word embedding row. The mapped states are then compared with every row of the table: a token's
logit is its cosine less a threshold, scaled. The encoder was never asked to name words, yet its
states hold them: most tokens find themselves, and the next best rows are their expansions.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from hyper_ir.models.backbone import Backbone
from hyper_ir.models.heads import CosineTransform, LexicalHead


@dataclass(frozen=True)
class GraftConfig:
    """How a lexical head is grafted.

    Attributes
    ----------
    ridge: the penalty, as a share of the mean variance of a state's components.
    threshold: cosine under which a token gets no weight.
    anchor: the cosine that a text's own tokens have at least, so that no word of it is lost
        where the regression misses it (nDCG@10 of SciTLDR's dev queries: 0.74 without, 0.81
        with; of NFCorpus's: 0.27 both).
    scale: logit = scale × idf share × (cosine - threshold).
    idf_power: exponent of the idf share, so that rare tokens weigh more; 0 switches it off.
    """

    ridge: float = 1e-3
    threshold: float = 0.45
    anchor: float = 0.8
    scale: float = 3.0
    idf_power: float = 1.0

    def __post_init__(self) -> None:
        if not self.ridge > 0:
            raise ValueError(f"ridge: {self.ridge} is not above 0")
        if not -1 < self.threshold < 1:
            raise ValueError(f"threshold: {self.threshold} is not a cosine between -1 and 1")
        if not -1 <= self.anchor <= 2:
            raise ValueError(f"anchor: {self.anchor} is not between -1 (none) and 2")
        if not self.scale > 0:
            raise ValueError(f"scale: {self.scale} is not above 0")
        if self.idf_power < 0:
            raise ValueError(f"idf_power: {self.idf_power} is below 0")


@dataclass(frozen=True)
class Graft:
    """A fitted head and how well its regression names the tokens it was fitted on.

    Attributes
    ----------
    head: the lexical head.
    tokens: how many tokens the regression saw.
    self_accuracy: share of the last batch's tokens whose nearest row is their own.
    """

    head: LexicalHead
    tokens: int
    self_accuracy: float


def graft_lexical_head(
    backbone: Backbone,
    batches: Iterable[tuple[Tensor, Tensor]],
    document_frequency: Tensor,
    documents: int,
    special_ids: Collection[int],
    config: GraftConfig,
) -> Graft:
    """Fit a lexical head on text.

    Parameters
    ----------
    backbone: its word embedding table gives the targets and the head's rows.
    batches: token ids and attention masks, both (batch, length); at least as many tokens as the
        states have components.
    document_frequency: ``(vocabulary,)``: in how many of ``documents`` texts each token occurs.
        Tokens that occur in none get no row and are never emitted.
    special_ids: [CLS] and the like: neither fitted on nor emitted.

    Raises
    ------
    ValueError
        When there is too little text to fit on.
    """
    table = backbone.word_embeddings.detach().float()
    centred = table - table.mean(dim=0)
    special = torch.tensor(sorted(special_ids), dtype=torch.long)
    moments = _Moments(backbone.hidden_size)
    states, ids = torch.empty(0), torch.empty(0)
    with torch.inference_mode():
        for input_ids, mask in batches:
            kept = mask.bool() & ~torch.isin(input_ids, special)
            ids = input_ids[kept]
            states = backbone(input_ids, mask)[kept].double()
            moments.add(states, centred[ids].double())
    transform = moments.solve(config.ridge)

    frequency = document_frequency.clone()
    frequency[special] = 0
    rows = frequency.nonzero().squeeze(1)
    if len(rows) == 0:
        raise ValueError("grafting: the texts hold no token of the vocabulary")
    unit = nn.functional.normalize(centred[rows], dim=1)
    weights = config.scale * idf_share(frequency[rows], documents) ** config.idf_power
    head = LexicalHead(
        unit * weights.unsqueeze(1),
        -config.threshold * weights,
        tokens=rows,
        vocabulary_size=len(table),
        transform=transform,
        own=(config.anchor - config.threshold) * weights,
    )
    with torch.inference_mode():
        nearest = rows[(transform(states.float()) @ unit.T).argmax(dim=1)]
        accuracy = float((nearest == ids).float().mean())
    return Graft(head, moments.count, accuracy)


def idf_share(frequency: Tensor, documents: int) -> Tensor:
    """Inverse document frequency as a share of the rarest token's: 1 for a token of one text.

    ``log((documents + 1) / (frequency + ½)) / log((documents + 1) / 1½)``, between 0 and 1.
    """
    if documents < 2:
        return torch.ones(frequency.shape)
    rarest = torch.log(torch.tensor((documents + 1) / 1.5))
    return (torch.log((documents + 1) / (frequency.float() + 0.5)) / rarest).clamp(0, 1)


class _Moments:
    """Sums over tokens that ridge regression needs, in float64: nothing per token is kept."""

    def __init__(self, width: int) -> None:
        self.count = 0
        self.state = torch.zeros(width, dtype=torch.float64)
        self.target = torch.zeros(width, dtype=torch.float64)
        self.state_state = torch.zeros(width, width, dtype=torch.float64)
        self.state_target = torch.zeros(width, width, dtype=torch.float64)

    def add(self, states: Tensor, targets: Tensor) -> None:
        """Add tokens: states and targets, both (tokens, width)."""
        self.count += len(states)
        self.state += states.sum(dim=0)
        self.target += targets.sum(dim=0)
        self.state_state += states.T @ states
        self.state_target += states.T @ targets

    def solve(self, ridge: float) -> CosineTransform:
        """The regression's map; ValueError with fewer tokens than components."""
        width = len(self.state)
        if self.count < width:
            raise ValueError(
                f"grafting: {self.count:,} tokens of text are too few to fit {width} components on;"
                f" a few hundred thousand are good"
            )
        state, target = self.state / self.count, self.target / self.count
        covariance = self.state_state / self.count - torch.outer(state, state)
        cross = self.state_target / self.count - torch.outer(state, target)
        penalty = ridge * covariance.diagonal().mean()
        solution = torch.linalg.solve(
            covariance + penalty * torch.eye(width, dtype=torch.float64), cross
        )
        return CosineTransform(solution.T.float(), (target - state @ solution).float())
