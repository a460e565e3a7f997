"""Tiny random checkpoints of each family, made on the spot: shapes and contracts, no hub."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import (
    AutoModel,
    AutoModelForMaskedLM,
    BertConfig,
    DistilBertConfig,
    ModernBertConfig,
    PreTrainedTokenizerFast,
    RobertaConfig,
)

FAMILIES = ("bert", "distilbert", "roberta", "modernbert")

HIDDEN = 32

TEXTS = [
    "Sparse vectors are searched by an inverted index.",
    "A prefix is synthesised for each query from a shared pool of prompts.",
    "The boundary layer on a swept wing becomes turbulent.",
    "Zebras graze.",
    "How does influenza spread, and who is vaccinated against the flu?",
    "",
    'Quotes " and symbols $%& and numbers 12 1998.',
]


def tokenizer(family: str) -> PreTrainedTokenizerFast:
    """A word-piece tokenizer for BERT's kin, a byte-level one for RoBERTa and ModernBERT."""
    if family in ("bert", "distilbert"):
        names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        made = _word_pieces(names)
        pad, unknown, start, end, mask = names
    else:
        names = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
        made = Tokenizer(models.BPE(unk_token="<unk>"))
        made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        made.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=names)
        made.train_from_iterator(TEXTS, trainer)
        start, pad, end, unknown, mask = names
    made.post_processor = processors.TemplateProcessing(
        single=f"{start} $A {end}",
        pair=f"{start} $A {end} $B {end}",
        special_tokens=[(name, made.token_to_id(name)) for name in (start, end)],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        pad_token=pad,
        unk_token=unknown,
        cls_token=start,
        sep_token=end,
        mask_token=mask,
        bos_token=start,
        eos_token=end,
    )


def _word_pieces(special: list[str]) -> Tokenizer:
    """Word pieces from merged pairs, the same in every process.

    `WordPieceTrainer` numbers its pieces in the order of a hash table that is seeded anew each
    time, so that its vocabulary, and every score of a model on it, would differ by run.
    """
    learner = Tokenizer(models.BPE())
    learner.normalizer = normalizers.BertNormalizer(lowercase=True)
    learner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    learner.train_from_iterator(TEXTS, trainers.BpeTrainer(vocab_size=150))
    learnt = learner.get_vocab()
    words = [
        word
        for text in TEXTS
        for word, _ in learner.pre_tokenizer.pre_tokenize_str(
            learner.normalizer.normalize_str(text)
        )
    ]
    pieces = list(special)
    for piece in sorted(learnt, key=learnt.__getitem__):
        if len(piece) == 1 or any(word.startswith(piece) for word in words):
            pieces.append(piece)
        if len(piece) == 1 or any(piece in word[1:] for word in words):
            pieces.append(f"##{piece}")
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    made = Tokenizer(models.WordPiece(vocabulary, unk_token=special[1]))
    made.normalizer = learner.normalizer
    made.pre_tokenizer = learner.pre_tokenizer
    return made


def config(family: str, vocabulary: int, **special: Any) -> Any:
    """Two layers of two heads; 64 positions."""
    sizes = {
        "hidden_size": HIDDEN,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 48,
        "max_position_embeddings": 64,
    }
    if family == "bert":
        return BertConfig(vocab_size=vocabulary, **sizes, **special)
    if family == "distilbert":
        return DistilBertConfig(
            vocab_size=vocabulary,
            dim=HIDDEN,
            n_layers=2,
            n_heads=2,
            hidden_dim=48,
            max_position_embeddings=64,
            **special,
        )
    if family == "roberta":
        sizes["max_position_embeddings"] = 64 + special["pad_token_id"] + 1
        return RobertaConfig(vocab_size=vocabulary, **sizes, **special)
    return ModernBertConfig(vocab_size=vocabulary, **sizes, **special)


def save_checkpoint(
    folder: Path, family: str = "bert", masked_lm: bool = True, seed: int = 0, spare_rows: int = 3
) -> Path:
    """Write a checkpoint with its tokenizer as transformers does, and return its folder.

    Weights are larger than a fresh model's, so that logits differ and some are above 0.
    """
    made = tokenizer(family)
    torch.manual_seed(seed)
    settings = config(
        family,
        len(made) + spare_rows,  # padded vocabularies have more rows than tokens
        pad_token_id=made.pad_token_id,
        bos_token_id=made.bos_token_id,
        eos_token_id=made.eos_token_id,
        cls_token_id=made.cls_token_id,
        sep_token_id=made.sep_token_id,
    )
    model = (AutoModelForMaskedLM if masked_lm else AutoModel).from_config(settings)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.normal_(0, 0.25)
    model.save_pretrained(folder)
    made.save_pretrained(folder)
    return folder


def close(first: object, second: object) -> bool:
    """Whether two lists of impacts are equal but for a step of 1.

    A product's last bits depend on the shape of its batch; a weight next to a half then rounds
    the other way.
    """
    assert isinstance(first, list)
    assert isinstance(second, list)
    return len(first) == len(second) and all(
        abs(a.get(token, 0) - b.get(token, 0)) <= 1
        for a, b in zip(first, second, strict=True)
        for token in {*a, *b}
    )
