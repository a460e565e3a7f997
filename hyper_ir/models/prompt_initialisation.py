"""How prompts start (METHOD §4): the prompt attention of step 0 decides whether it can learn.

- ``"normal"``: N(0, scale²).
- ``"uniform"``: U[0, scale), scale 1 in the authors' scripts.
- ``"words"``: rows of the word embedding table, drawn at random, times scale.
- ``"kmeans"``: random rows as well, shifted so that a prompt's maximum over positions is the
  centroid of one cluster of query representations. What centroids have in common with the mean
  query is taken out, since it would favour a prompt for all queries, and they are scaled so that a
  query's scores have standard deviation scale.

The paper's sizes (N = 20, m = 100) on the word embeddings of a MiniLM (d = 384), 100 dev queries
of each of seven KILT tasks, clusters of 100 train queries each; entropy of α in per cent of ln N,
Jensen-Shannon divergence of α between queries (at most 0.693) of one task and of two, the number of
prompts that are some query's first, and the share of queries that the most frequent first has:

==================  =======  ==========  =========  ======  =====
start               entropy  within      between    firsts  share
==================  =======  ==========  =========  ======  =====
normal, 1            27.7 %  0.085       0.094           4   82 %
normal, 0.25         85.1 %  0.012       0.014           4   82 %
uniform, 1           99.9 %  0.0001      0.0001          7   67 %
words, 1             99.3 %  0.001       0.001           8   91 %
words, 10            61.3 %  0.062       0.074           8   91 %
kmeans, 0.5          95.5 %  0.016       0.064          20   28 %
kmeans, 1            83.2 %  0.054       0.207          20   28 %
kmeans, 2            62.8 %  0.141       0.403          20   28 %
==================  =======  ==========  =========  ======  =====

Whatever its scale, a start that knows no queries gives nearly all of them one prompt, and tells
tasks no better apart than queries of one task. So k-means with scale 1 is the default.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from hyper_ir.models.backbone import Backbone
from hyper_ir.models.prefix_initialisation import fit_prefixes
from hyper_ir.models.prompt_config import PromptConfig
from hyper_ir.models.prompts import PromptSynthesiser

ROUNDS = 20
"""Rounds of k-means: more change nothing that training would notice."""


def new_prompts(
    config: PromptConfig,
    backbone: Backbone,
    queries: Iterable[tuple[Tensor, Tensor]] = (),
    seed: int = 42,
) -> PromptSynthesiser:
    """Prompts for a backbone, initialised as the configuration says.

    Parameters
    ----------
    queries: token ids and attention masks, both (batch, length), for ``"kmeans"`` and for a
        prefix encoder that starts at activations, quiet or not: some hundreds of training
        queries of all tasks.
    seed: of all draws; the global random state is neither read nor changed.

    Raises
    ------
    ValueError
        When k-means has fewer different queries than prompts.
    """
    prompts = PromptSynthesiser(
        config, backbone.hidden_size, int(backbone.model.config.num_hidden_layers)
    )
    table = backbone.word_embeddings.detach().float().cpu()
    queries = list(queries)
    initialise(prompts, table, queries, seed)
    if config.prefix_initialisation != "random":
        fit_prefixes(prompts, backbone, queries, seed, config.prefix_initialisation == "quiet")
    return prompts.to(backbone.word_embeddings.device).eval()


@torch.no_grad()
def initialise(
    prompts: PromptSynthesiser,
    table: Tensor,
    queries: Iterable[tuple[Tensor, Tensor]] = (),
    seed: int = 42,
) -> None:
    """Draw all parameters anew, on the CPU.

    Parameters
    ----------
    table: the word embedding table, ``(vocabulary, d)``.
    queries, seed: see :func:`new_prompts`.
    """
    generator = torch.Generator().manual_seed(seed)
    for module in prompts.modules():
        if isinstance(module, nn.Linear):
            bound = module.in_features**-0.5
            for parameter in module.parameters():
                parameter.uniform_(-bound, bound, generator=generator)
    config, target = prompts.config, prompts.prompts
    if config.initialisation == "normal":
        target.normal_(0, config.initialisation_scale, generator=generator)
    elif config.initialisation == "uniform":
        target.uniform_(0, config.initialisation_scale, generator=generator)
    else:
        count = config.prompts * config.length
        rows = table[torch.randint(len(table), (count,), generator=generator)].view_as(target)
        if config.initialisation == "words":
            target.copy_(rows * config.initialisation_scale)
        else:
            target.copy_(_clustered(prompts, rows, table, queries, generator))


def _clustered(
    prompts: PromptSynthesiser,
    rows: Tensor,
    table: Tensor,
    queries: Iterable[tuple[Tensor, Tensor]],
    generator: torch.Generator,
) -> Tensor:
    """Prompts whose maxima over positions are the centroids of query representations."""
    batches = [prompts.query(nn.functional.embedding(ids, table), mask) for ids, mask in queries]
    points = torch.cat(batches) if batches else table.new_empty(0, table.shape[1])
    distinct = torch.unique(points, dim=0)
    size = prompts.config.prompts
    if len(distinct) < size:
        raise ValueError(
            f"initialisation: kmeans needs at least {size} different queries for {size} prompts, "
            f"not {len(distinct)}; hand over queries, or take words"
        )
    mean = points.mean(dim=0)
    centroids = k_means(distinct - mean, size, generator)
    # What a prompt scores with the mean query it would score with all of them alike.
    centroids = centroids - torch.outer(centroids @ mean, mean) / mean.square().sum()
    centroids = nn.functional.normalize(centroids, dim=1)
    scores = points @ centroids.T / prompts.config.temperature
    if prompts.config.scale_scores:
        scores = scores / prompts.hidden_size**0.5
    spread = (scores - scores.mean(dim=1, keepdim=True)).std()
    centroids = centroids * (prompts.config.initialisation_scale / spread)
    return rows + (centroids - rows.amax(dim=1)).unsqueeze(1)


def k_means(points: Tensor, clusters: int, generator: torch.Generator) -> Tensor:
    """Lloyd's algorithm from a k-means++ start: (points, d) to centroids (clusters, d).

    A cluster that loses all its points keeps its centroid.
    """
    first = int(torch.randint(len(points), (1,), generator=generator))
    chosen = [first]
    distances = (points - points[first]).square().sum(dim=1)
    for _ in range(clusters - 1):
        chosen.append(int(torch.multinomial(distances, 1, generator=generator)))
        distances = torch.minimum(distances, (points - points[chosen[-1]]).square().sum(dim=1))
    centroids = points[chosen].clone()
    for _ in range(ROUNDS):
        nearest = torch.cdist(points, centroids).argmin(dim=1)
        counts = torch.bincount(nearest, minlength=clusters)
        sums = torch.zeros_like(centroids).index_add_(0, nearest, points)
        kept = counts > 0
        centroids[kept] = sums[kept] / counts[kept].unsqueeze(1)
    return centroids
