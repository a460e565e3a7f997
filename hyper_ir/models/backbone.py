"""The transformer under a head: any Hugging Face encoder, reduced to ``token ids → states``.

Only safetensors weights are loaded and no code of a checkpoint is run.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoModelForMaskedLM, PreTrainedModel
from transformers import logging as transformers_logging

from hyper_ir.models.checkpoint import read_object
from hyper_ir.models.packed_attention import Packing, packed_arguments
from hyper_ir.models.prefix_attention import Prefix, prefix_arguments

DPR_TOWERS = {
    "DPRContextEncoder": "ctx_encoder",
    "DPRQuestionEncoder": "question_encoder",
}


class Backbone(nn.Module):
    """A transformer encoder that returns one state for each token.

    From a masked-LM model, :meth:`take_decoder` takes the last product (hidden × vocabulary)
    away; the states are then what that product would be given, in any family.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.model = model
        self._gap: nn.Identity | None = None

    @property
    def has_decoder(self) -> bool:
        """Whether the model is a masked-LM model whose decoder was taken out."""
        return self._gap is not None

    def take_decoder(self) -> nn.Linear:
        """Take the decoder (hidden → vocabulary) out of a masked-LM model and return it."""
        decoder = self.model.get_output_embeddings()
        if not isinstance(decoder, nn.Linear):
            raise ValueError(f"{type(self.model).__name__}: it has no linear masked-LM decoder")
        self._gap = nn.Identity()
        _replace_module(self.model, decoder, self._gap)
        return decoder

    def give_decoder(self, weight: Tensor, bias: Tensor) -> None:
        """Put a decoder of this weight (vocabulary, hidden) and bias back where it was."""
        if self._gap is None:
            raise ValueError("no decoder was taken out of this model")
        decoder = nn.Linear(weight.shape[1], weight.shape[0], device="meta")
        decoder.weight, decoder.bias = nn.Parameter(weight), nn.Parameter(bias)
        _replace_module(self.model, self._gap, decoder)
        self._gap = None

    @property
    def hidden_size(self) -> int:
        """Width of a state."""
        return int(self.word_embeddings.shape[1])

    @property
    def word_embeddings(self) -> Tensor:
        """The word embedding table, ``(vocabulary, hidden)``."""
        weight = self.model.get_input_embeddings().weight
        assert isinstance(weight, Tensor)
        return weight

    @property
    def max_length(self) -> int:
        """The longest text in tokens that the position embeddings can hold."""
        config = self.model.config
        positions = int(getattr(config, "max_position_embeddings", 512))
        # RoBERTa's positions start behind the padding id.
        offset = int(config.pad_token_id or 0) + 1 if "roberta" in config.model_type else 0
        return positions - offset

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, prefix: Prefix | None = None
    ) -> Tensor:
        """Ids and mask, both (batch, length), to states (batch, length, hidden).

        ``prefix`` is attended to in each layer besides the text's own tokens; the model must have
        been through :func:`~hyper_ir.models.prefix_attention.enable_prefixes`.
        """
        more = {} if prefix is None else prefix_arguments(self.model, prefix)
        output = self.model(input_ids=input_ids, attention_mask=attention_mask, **more)
        states = output.logits if "logits" in output else output.last_hidden_state
        assert isinstance(states, Tensor)
        return states

    def packed(self, input_ids: Tensor, packing: Packing) -> Tensor:
        """Ids of texts end to end, (tokens,), to states (tokens, hidden).

        The model must have been through
        :func:`~hyper_ir.models.packed_attention.enable_packing`.
        """
        more = packed_arguments(self.model, packing)
        output = self.model(input_ids=input_ids.unsqueeze(0), **more)
        states = output.logits if "logits" in output else output.last_hidden_state
        assert isinstance(states, Tensor)
        return states[0]


def load_model(folder: Path, masked_lm: bool) -> PreTrainedModel:
    """Load a checkpoint in float32 on the CPU, in evaluation mode.

    Raises ValueError when the folder has no safetensors weights, when its model type is unknown
    to transformers, or when weights of the encoder or of the masked-LM head are missing.
    """
    _require_safetensors(folder)
    _refuse_code(folder)
    with quiet_transformers():
        try:
            loader = AutoModelForMaskedLM if masked_lm else _encoder_class(folder)
            model, report = loader.from_pretrained(
                folder,
                use_safetensors=True,
                trust_remote_code=False,
                dtype=torch.float32,
                output_loading_info=True,
            )
        except Exception as error:  # settings are a stranger's: they can fail in any way
            raise ValueError(f"{folder}: not a model that can be loaded: {error}") from error
    absent = sorted(report["missing_keys"])
    missing = [name for name in absent if "pooler" not in name]
    if missing:
        raise ValueError(
            f"{folder}: weights are missing: {', '.join(missing[:5])}"
            + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
        )
    _require_finite(model, folder)
    inner = DPR_TOWERS.get(type(model).__name__)
    if inner is not None:
        model = getattr(model, inner).bert_model
    if len(absent) > len(missing):
        # transformers has drawn it at random: each load would be another model by its hash.
        model.pooler = None
    model.eval()
    assert isinstance(model, PreTrainedModel)
    return model


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """No bar for what takes a second; weights that are missing are told in one line instead."""
    verbosity = transformers_logging.get_verbosity()
    bars = transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(verbosity)
        if bars:
            transformers_logging.enable_progress_bar()


def _encoder_class(folder: Path) -> Any:
    """AutoModel, but DPR's own class, since AutoModel takes every DPR tower for a question's."""
    import transformers

    config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    for name in config.architectures or []:
        if name in DPR_TOWERS:
            return getattr(transformers, name)
    return AutoModel


def _require_safetensors(folder: Path) -> None:
    if any(folder.glob("*.safetensors")):
        return
    pickled = any(folder.glob("*.bin"))
    raise ValueError(
        f"{folder}: no *.safetensors file"
        + (
            "; pickled weights (*.bin) can run code and are not loaded: convert them once where "
            'you trust them: python -c "from transformers import AutoModelForMaskedLM as M; '
            "M.from_pretrained('OLD', use_safetensors=False).save_pretrained('NEW')\""
            if pickled
            else ""
        )
    )


def _refuse_code(folder: Path) -> None:
    """Raise ValueError where settings ask for weights or code that are more than numbers."""
    for index in folder.glob("*.safetensors.index.json"):
        named = read_object(index).get("weight_map")
        files = list(named.values()) if isinstance(named, dict) else [None]
        for name in files:
            if not _is_safetensors_of(folder, name):
                raise ValueError(f"{index}: its weights must be *.safetensors files beside it")
    values: list[object] = [read_object(folder / "config.json")]
    while values:
        value = values.pop()
        if isinstance(value, list):
            values += value
        if not isinstance(value, dict):
            continue
        values += value.values()
        for key, wanted in value.items():
            # A name with a slash is a hub's, whose code transformers fetches and runs.
            if "_implementation" in key and "/" in str(wanted)[:1000]:
                raise ValueError(f"{folder / 'config.json'}: {key} is code from a hub")


def _is_safetensors_of(folder: Path, name: object) -> bool:
    """Whether the name is that of a safetensors file in this very folder."""
    plain = isinstance(name, str) and Path(name).name == name
    return plain and str(name).endswith(".safetensors")


def _require_finite(model: nn.Module, folder: Path) -> None:
    for name, weight in model.named_parameters():
        if not bool(torch.isfinite(weight).all()):
            raise ValueError(f"{folder}: weight {name} holds NaN or infinity")


def _replace_module(model: nn.Module, old: nn.Module, new: nn.Module) -> None:
    for name, module in model.named_modules():
        if module is old:
            parent, _, attribute = name.rpartition(".")
            setattr(model.get_submodule(parent), attribute, new)
            return
    raise ValueError(f"{type(model).__name__}: the decoder is not a module of the model")
