from __future__ import annotations

import numpy as np

from hyper_ir.analysis.attention_sections import Looked, attention_section
from hyper_ir.analysis.similarity import task_similarity
from tests.analysis.small import attention


def test_the_words_for_the_picture_call_a_similarity_one() -> None:
    seen = attention()
    matrix = task_similarity(seen.means()).divergence_based.copy()
    np.fill_diagonal(matrix, -1)
    alt = attention_section(Looked.at([], seen, 0)).pictures[0].alt
    assert alt.endswith(f"(similarity {matrix.max():.2f} by divergence).")
