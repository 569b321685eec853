"""Matrix products as `F.linear` makes them beside those of matrices in oneDNN's own layout.

    python tests/benchmarks/packed.py [--turns 8]

One thread; six matrices of a shape take turns, so that none stays in the nearest cache. Told are microseconds of the
processor's time for a product, rows x K x N, in float32 and bfloat16, which hold beside other work too.
"""

import argparse
import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from nmtk.model.linear import has_onednn
from nmtk.model.packed import PackedLinear

SHAPES = ((256, 256), (256, 1024), (1024, 256), (512, 2048), (256, 8000))
MATRICES = 6


@torch.inference_mode()
def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--turns", type=int, default=8)
    turns = parser.parse_args().turns
    torch.set_num_threads(1)
    if not has_onednn(torch.device("cpu"), torch.float32):
        raise SystemExit("this machine has no oneDNN for x86: nothing is packed here")
    print("| rows x K x N | float32 | packed | bfloat16 | packed |\n| --- | ---: | ---: | ---: | ---: |")
    for rows in (1, 5, 64, 320):
        for size in SHAPES:
            cells = []
            for dtype in (torch.float32, torch.bfloat16):
                plain = [nn.Linear(*size).to(dtype) for _ in range(MATRICES)]
                packed = [PackedLinear(linear.weight, linear.bias) for linear in plain]
                x = torch.randn(rows, size[0]).to(dtype)
                cells += [_microseconds(plain, x, turns), _microseconds(packed, x, turns)]
            print(f"| {rows} x {size[0]} x {size[1]} | " + " | ".join(f"{cell:,.0f}" for cell in cells) + " |")


def _microseconds(linears: Sequence[Callable[[Tensor], Tensor]], x: Tensor, turns: int) -> float:
    for linear in linears:
        linear(x)
    began = time.process_time()
    for _ in range(turns):
        for linear in linears:
            linear(x)
    return (time.process_time() - began) / turns / len(linears) * 1e6


if __name__ == "__main__":
    main()
