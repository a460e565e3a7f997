from __future__ import annotations

import random

import pytest

from benchmarks.truth import Truth

Vectors = dict[str, dict[str, int]]


def drawn(seed: int, count: int) -> Vectors:
    """Few tokens and small weights, so that many documents have equal scores."""
    draw = random.Random(seed)
    return {
        f"d{number}": {draw.choice("abcdef"): draw.randint(1, 3) for _ in range(3)}
        for number in range(count)
    }


def naive_recall(documents: Vectors, topics: Vectors, found: dict[str, list[str]], k: int) -> float:
    shares = []
    for id, topic in topics.items():
        scores = {
            document: sum(
                weight * vector.get(token, 0)
                for token, weight in topic.items()
                if not all(token in each for each in documents.values())
            )
            for document, vector in documents.items()
        }
        best = sorted((score for score in scores.values() if score), reverse=True)[:k]
        if best:
            hits = sum(scores[document] >= best[-1] for document in set(found[id][:k]))
            shares.append(hits / len(best))
    return sum(shares) / len(shares)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("k", [1, 3, 100])
def test_recall_is_the_naive_one(seed: int, k: int) -> None:
    documents, topics = drawn(seed, 20), drawn(seed + 100, 6)
    documents = {id: {**vector, "everywhere": 9} for id, vector in documents.items()}
    topics = {id: {**vector, "everywhere": 1, "nowhere": 1} for id, vector in topics.items()}
    draw = random.Random(seed)
    found = {id: draw.sample(sorted(documents), min(k, 12)) for id in topics}
    own = Truth(documents.items()).recall(list(topics.items()), found, k)
    assert own == pytest.approx(naive_recall(documents, topics, found, k))


def test_of_equal_scores_any_will_do() -> None:
    truth = Truth([("1", {"a": 2}), ("2", {"a": 2}), ("3", {"a": 1}), ("4", {"b": 1})])
    topics = [("q", {"a": 1})]
    assert truth.recall(topics, {"q": ["1"]}, 1) == truth.recall(topics, {"q": ["2"]}, 1) == 1
    assert truth.recall(topics, {"q": ["3"]}, 1) == 0
    assert truth.recall(topics, {"q": ["2", "2"]}, 2) == 0.5
    assert truth.recall(topics, {"q": ["3", "1", "2"]}, 10) == 1


def test_topics_that_find_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="no document has a token"):
        Truth([("1", {"a": 2}), ("2", {"b": 2})]).recall([("q", {"c": 1})], {"q": []}, 1)
