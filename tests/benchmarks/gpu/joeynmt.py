"""JoeyNMT's model and loss in the plain loop: bfloat16, fused Adam and nmtk's length buckets, none of which it has.

Its own training asks the GPU for numbers at every batch; what is measured here is the best it could be.
"""

from types import SimpleNamespace

import torch
from torch import Tensor

from nmtk.data.batches import Batch
from nmtk.model.options import TransformerOptions
from tests.benchmarks.gpu.loop import Loop, batches_of, fed
from tests.benchmarks.gpu.task import Task


def loop(task: Task, options: TransformerOptions, batch_tokens: int, device: torch.device) -> Loop:
    """The model of these sizes. Raises ImportError where JoeyNMT is not installed."""
    from joeynmt.model import build_model
    from joeynmt.vocabulary import Vocabulary

    one = task.vocabularies.target
    special = SimpleNamespace(
        unk_token="<unk>",
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        sep_token=None,
        unk_id=0,
        pad_id=1,
        bos_id=2,
        eos_id=3,
        sep_id=None,
        lang_tags=[],
    )
    vocabulary = Vocabulary([], special)
    vocabulary._itos += [f"piece{number}" for number in range(len(vocabulary), len(one))]  # only their number matters
    stack = {
        "type": "transformer",
        "num_heads": options.heads,
        "hidden_size": options.width,
        "ff_size": options.inner,
        "dropout": options.dropout,
        "layer_norm": options.norm_order,
        "embeddings": {"embedding_dim": options.width, "scale": True, "dropout": options.dropout},
    }
    torch.manual_seed(1)
    model = build_model(
        {
            "initializer": "xavier_uniform",
            "embed_initializer": "xavier_uniform",
            "tied_embeddings": True,
            "tied_softmax": True,
            "encoder": {**stack, "num_layers": options.encoder_layers},
            "decoder": {**stack, "num_layers": options.decoder_layers},
        },
        vocabulary,
        vocabulary,
    )
    model.loss_function = ("crossentropy", 0.1)
    model.to(device).train()
    swap = torch.arange(len(one), device=device)  # its first ids stand for other specials than ours
    for name, theirs in (("unk", 0), ("pad", 1), ("bos", 2), ("eos", 3)):
        swap[getattr(one, name)] = theirs

    def step(batch: Batch) -> Tensor:
        real_BT = torch.arange(batch.gold_BT.shape[1], device=device) < batch.target_lengths_B[:, None]
        with torch.autocast(device.type, torch.bfloat16):
            loss: Tensor = model(
                return_type="loss",
                src=swap[batch.source_BS],
                src_mask=batch.keep_BS[:, None],
                src_length=batch.source_lengths_B,
                trg_input=swap[batch.target_BT],
                trg=swap[batch.gold_BT],
                trg_mask=real_BT[:, None],
            )[0]
        return loss

    parameters = list(model.parameters())
    return Loop("joeynmt", step, parameters, lambda: fed(batches_of(task.mixture, batch_tokens), device), device)
