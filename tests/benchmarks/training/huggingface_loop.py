"""A plain training loop for MarianMT, run in an environment of its own: python huggingface_loop.py CONFIG.JSON."""

import json
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence
from transformers import MarianConfig, MarianMTModel

Pair = tuple[list[int], list[int]]


def read(folder: Path) -> tuple[list[Pair], list[str]]:
    """The training pairs as ids, each with its `</s>`, and the vocabulary."""
    pieces = lines(folder / "pieces.txt")
    ids = {piece: number for number, piece in enumerate(pieces)}
    source, target = (
        [[*(ids[piece] for piece in line.split(" ")), ids["</s>"]] for line in lines(folder / name)]
        for name in ("train.en", "train.de")
    )
    return list(zip(source, target, strict=True)), pieces


def lines(path: Path) -> list[str]:
    """The lines of a file."""
    return path.read_text("utf-8").removesuffix("\n").split("\n")


def batches(pairs: list[Pair], most: int, rng: random.Random) -> Iterator[list[Pair]]:
    """For ever: pairs of nearly the same length together, at most so many tokens of either side, padding included."""
    while True:
        rng.shuffle(pairs)  # source lengths rise and fall in turn, so that they are alike on both sides of a border
        ordered = sorted(pairs, key=lambda pair: (len(pair[1]), len(pair[0]) * (-1) ** len(pair[1])))
        epoch: list[list[Pair]] = [[]]
        longest = 0
        for pair in ordered:
            longest = max(longest, *map(len, pair))
            if longest * (len(epoch[-1]) + 1) > most and epoch[-1]:
                epoch.append([])
                longest = max(map(len, pair))
            epoch[-1].append(pair)
        rng.shuffle(epoch)
        yield from epoch


def pad(sentences: list[list[int]], fill: int) -> Tensor:
    """Sentences as one right-padded tensor."""
    return pad_sequence([torch.tensor(ids) for ids in sentences], batch_first=True, padding_value=fill)


def main(asked: dict[str, Any]) -> None:
    """Train without end, and say how fast."""
    torch.manual_seed(asked["seed"])
    pairs, pieces = read(Path(asked["folder"]))
    padding, end = pieces.index("<pad>"), pieces.index("</s>")
    special = {"pad_token_id": padding, "eos_token_id": end, "decoder_start_token_id": padding, "bos_token_id": None}
    model = MarianMTModel(MarianConfig(vocab_size=len(pieces), **special, **asked["model"])).train()
    optimiser = torch.optim.AdamW(
        model.parameters(), asked["rate"], tuple(asked["betas"]), asked["epsilon"], weight_decay=0.0
    )
    warmup = asked["warmup"]
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min((step + 1) / warmup, (warmup / (step + 1)) ** 0.5)
    )
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters, {torch.get_num_threads()} threads", flush=True)
    tokens, last = 0, time.perf_counter()
    for update, batch in enumerate(batches(pairs, asked["batch_tokens"], random.Random(asked["seed"])), start=1):
        source = pad([one for one, _ in batch], padding)
        labels = pad([other for _, other in batch], -100)
        given = pad([[padding, *other[:-1]] for _, other in batch], padding)
        with torch.autocast("cpu", torch.bfloat16, enabled=asked["bfloat16"]):
            logits = model(
                input_ids=source, attention_mask=source != padding, decoder_input_ids=given, use_cache=False
            ).logits
            loss = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), label_smoothing=asked["smoothing"])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), asked["clip_norm"])
        optimiser.step()
        schedule.step()
        optimiser.zero_grad()
        tokens += sum(len(other) for _, other in batch)
        if update % asked["report_every"] == 0:
            now = time.perf_counter()
            rate = tokens / (now - last)
            print(f"update {update} loss {loss.item():.3f} rate {rate:.1f} target tokens/s", flush=True)
            tokens, last = 0, now


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text("utf-8")))
