"""What a corpus of a hundred million pairs costs before training starts on it, and while it runs.

python tests/benchmarks/scale.py FOLDER --pairs 100000000

writes generated pairs to FOLDER (12 GB for a hundred million, deleted at the end), as packed corpus of a run. Two new
processes then show what each of these takes: going over the batches alone, and `nmtk train` with a tiny model.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path

import numpy as np

from nmtk.data.corpus import HEADER, Corpus, Header, corpus_digest
from nmtk.data.cursor import Cursor, walk
from nmtk.data.epoch import SECTION
from nmtk.data.filters import FilterOptions
from nmtk.data.mixture import Mixture
from nmtk.data.packed import Sentences, SideWriter
from nmtk.documents import Document, to_yaml
from nmtk.files import write_text
from nmtk.recipe.home import claim
from nmtk.recipe.prepare import PREPARED, made_of
from nmtk.recipe.recipe import Located, Recipe
from nmtk.recipe.texts import find_texts
from nmtk.vocabulary.learn import VocabularyOptions, learn
from nmtk.vocabulary.vocabulary import Vocabularies, Vocabulary

AT_ONCE = 1_000_000
UPDATES = 50
SEEN = ("VmHWM", "VmRSS", "RssAnon", "RssFile")


def write(folder: Path, pairs: int, vocabularies: Vocabularies) -> None:
    """A packed corpus of random pieces: lengths log-normal around 24, both sides of nearly the same."""
    rng = np.random.default_rng(0)
    size = len(vocabularies.source)
    ids = rng.integers(4, size, 200 * AT_ONCE, dtype=np.uint16)
    folder.mkdir(parents=True)
    with SideWriter(folder, "source", size) as source, SideWriter(folder, "target", size) as target:
        for first in range(0, pairs, AT_ONCE):
            count = min(AT_ONCE, pairs - first)
            long = np.clip(rng.lognormal(3, 0.6, count), 1, 200)
            other = np.clip(long * rng.normal(1, 0.15, count), 1, 200)
            for writer, lengths in ((source, long.astype(np.int32)), (target, other.astype(np.int32))):
                begin, pieces = int(rng.integers(AT_ONCE)), int(lengths.sum())
                writer.write(Sentences(ids[begin : begin + pieces], lengths), 0, 0)
    one, two = source.header(), target.header()
    digest = corpus_digest(vocabularies.digest, one.digest, two.digest)
    header = Header(
        pairs=pairs,
        dropped={},
        filters=FilterOptions(),
        vocabulary=vocabularies.digest,
        digest=digest,
        source=one,
        target=two,
    )
    (folder / HEADER).write_text(to_yaml(header.document()))


def prepare(folder: Path, pairs: int, batch_tokens: int) -> tuple[Path, Path]:
    """A recipe, and a run of it that has its vocabulary and its corpus; returns the folders of both."""
    rng = np.random.default_rng(0)
    words = np.array(["".join(rng.choice(list("aeioubcdfghklmnprst"), rng.integers(2, 9))) for _ in range(20_000)])
    lines = [" ".join(rng.choice(words, 20)) for _ in range(10_000)]
    recipe, run = folder / "recipe", folder / "run"
    recipe.mkdir(parents=True)
    (recipe / "text").write_text("".join(line + "\n" for line in lines[:20]))
    text = {"source": "text", "target": "text"}
    document: Document = {
        "name": "scale",
        "data": {"source": "en", "target": "de", "train": [text], "valid": text},
        "model": {"preset": "tiny"},
        "training": {"updates": UPDATES, "batch_tokens": batch_tokens, "log_every": 1, "checkpoint": {"every": 1000}},
    }
    (recipe / "recipe.yaml").write_text(to_yaml(document))
    parsed = Recipe.parse(document, "scale")
    claim(run, Located(parsed, recipe), overwrite=False)
    write_text(run / PREPARED, to_yaml(made_of(parsed, find_texts(parsed.data, recipe, run / "text"))))
    vocabulary = Vocabulary(learn(lines, VocabularyOptions(size=8000)))
    (run / "vocabulary").mkdir()
    Vocabularies(vocabulary, vocabulary).save(run / "vocabulary")
    write(run / "data" / "corpus1", pairs, Vocabularies(vocabulary, vocabulary))
    return recipe, run


def forget(folder: Path) -> None:
    """Have the kernel drop what it keeps of these files, as if they had been written long ago."""
    os.sync()
    for file in folder.iterdir():
        with file.open("rb") as opened:
            os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def memory(process: int | str) -> dict[str, int]:
    """What a process holds, in MiB."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return {}
    return {
        key: int(rest.split()[0]) // 1024 for key, _, rest in (line.partition(":") for line in lines) if key in SEEN
    }


def told(found: dict[str, int]) -> str:
    return ", ".join(f"{key} {found[key]} MiB" for key in SEEN)


def go_over(run: Path, batch_tokens: int) -> None:
    """The first updates; then all of the first section, and the step from it to the second."""
    begun = time.perf_counter()
    vocabularies = Vocabularies.load(run / "vocabulary")
    corpus = Corpus.open(run / "data" / "corpus1", vocabularies)
    shares = walk(Mixture([corpus], [1.0], vocabularies), batch_tokens, 1, seed=1, at=Cursor())
    print(f"corpus: {len(corpus):,} pairs; {told(memory('self'))}")
    next(shares)
    print(f"first batch: {time.perf_counter() - begun:.1f} s; {told(memory('self'))}")
    for _ in islice(shares, UPDATES - 1):
        pass
    print(f"first {UPDATES} batches: {time.perf_counter() - begun:.1f} s; {told(memory('self'))}")
    padding = positions = batches = 0
    since, steps, done = time.perf_counter(), [0.0], 0
    for share in shares:
        now = time.perf_counter()
        steps.append(now - since)
        since = now
        (batch,) = share.batches
        batches += 1
        padding += batch.padding
        positions += batch.source_BS.numel() + batch.gold_BT.numel()
        done = share.after.taken
        if done > min(SECTION * 3 // 2, len(corpus) - batch_tokens):
            break
    seconds = time.perf_counter() - begun
    print(f"{done:,} pairs: {done / seconds:,.0f} pairs/s with all planning; longest step {max(steps):.1f} s")
    print(f"padding: {padding / positions:.2%} of {batches:,} batches; {told(memory('self'))}")


def train(recipe: Path, run: Path, pairs: int) -> None:
    """`nmtk train`, watched from outside, on so many pairs."""
    command = [sys.executable, "-m", "nmtk", "train", str(recipe), "-o", str(run), f"training.updates={UPDATES}"]
    begun, log, said = time.perf_counter(), run / "log.jsonl", run.parent / "said.txt"
    seen: dict[str, int] = {}
    with said.open("w") as stream, subprocess.Popen(command, stdout=stream, stderr=stream) as process:
        first = 0.0
        while process.poll() is None:
            time.sleep(0.02)
            seen = memory(process.pid) or seen
            if not first and log.exists() and "\n" in log.read_text():
                first = time.perf_counter() - begun
                print(f"first update: {first:.1f} s; {told(seen)}", flush=True)
    if process.returncode:
        sys.exit(f"nmtk train: exit {process.returncode}\n{said.read_text()}")
    assert f"; {pairs:,} pairs; " in said.read_text(), "trained on another corpus than was written"
    records = [json.loads(line) for line in log.read_text().splitlines()]
    padding = np.mean([record["padding"] for record in records if "padding" in record])
    print(f"{UPDATES} updates: {time.perf_counter() - begun:.1f} s; padding {padding:.2%}; {told(seen)}")


def main() -> None:
    """Measure once and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pairs", type=int, default=100_000_000)
    parser.add_argument("--batch-tokens", type=int, default=4096)
    parser.add_argument("--cold", action="store_true", help="With nothing of the corpus in the kernel's memory.")
    parser.add_argument("--go-over", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.go_over:
        go_over(asked.folder, asked.batch_tokens)
        return
    home = asked.folder / "scale"
    try:
        begun = time.perf_counter()
        recipe, run = prepare(home, asked.pairs, asked.batch_tokens)
        size = sum(file.stat().st_size for file in home.rglob("*") if file.is_file())
        print(f"written: {size / 1e9:.1f} GB in {time.perf_counter() - begun:.0f} s", flush=True)
        tokens = f"--batch-tokens={asked.batch_tokens}"
        if asked.cold:
            forget(run / "data" / "corpus1")
        subprocess.run([sys.executable, __file__, str(run), "--go-over", tokens], check=True)
        if asked.cold:
            forget(run / "data" / "corpus1")
        train(recipe, run, asked.pairs)
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
