"""What `nmtk train` says to input that cannot be used: one line, exit code 1, nothing half written."""

import gzip
import hashlib
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from nmtk.bundle import checkpoints_in
from nmtk.documents import Document, read_yaml, to_yaml
from tests.training.conftest import Train, recipe, train

__all__ = ["recipe", "train"]


def error(result: subprocess.CompletedProcess[str]) -> str:
    assert result.returncode == 1, result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("nmtk: error: ")]
    assert result.stderr.rstrip().endswith(line)
    return line.removeprefix("nmtk: error: ")


def test_a_run_is_the_same_wherever_its_text_comes_from(
    train: Train, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From files beside the recipe; and from two archives at an address, in part marked up and in parts."""
    monkeypatch.setenv("NMTK_CACHE", str(tmp_path / "cache"))
    assert train("plain").returncode == 0
    document = read_yaml(recipe / "recipe.yaml")
    files: Document = {}
    for number, side in enumerate(("en", "de")):
        lines = {name: (recipe / f"{name}.{side}").read_text().splitlines() for name in ("train", "valid", "test")}
        members = {
            "c/first": "\n".join(lines["train"][:100]),
            "c/second": "\n".join(lines["train"][100:]) + "\n",
            "dev.sgm": "".join(f"<seg>{line}</seg>\n" for line in lines["valid"]),
            "train.tags": "<url>x</url>\n" + "".join(f"<title>{line}</title>\n" for line in lines["test"]),
        }
        archive = tmp_path / f"{side}.tgz"
        with tarfile.open(archive, "w:gz") as tar:
            for name, text in members.items():
                (tmp_path / "member").write_text(text)
                tar.add(tmp_path / "member", name)
        digest = hashlib.sha256(archive.read_bytes()).hexdigest()
        urls = [(tmp_path / "gone.tgz").as_uri(), archive.as_uri()][number:]  # the one has a mirror that is down
        files |= {
            f"both/{side}.tgz": {"url": urls, "sha256": digest},
            f"first.{side}": {"archive": f"both/{side}.tgz", "member": "c/first"},
            f"second.{side}": {"archive": f"both/{side}.tgz", "member": "c/second"},
            f"train.{side}": {"join": [f"first.{side}", f"second.{side}"]},
            f"valid.{side}": {"archive": f"both/{side}.tgz", "member": "dev.sgm", "markup": "sgml"},
            f"test.{side}": {"archive": f"both/{side}.tgz", "member": "train.tags", "markup": "iwslt"},
        }
        for name in lines:
            (recipe / f"{name}.{side}").unlink()
    document["data"]["files"] = files
    (recipe / "recipe.yaml").write_text(to_yaml(document))

    ended = train("brought")
    assert ended.returncode == 0, ended.stderr
    plain, brought = (tmp_path / run / "model" / "model.safetensors" for run in ("plain", "brought"))
    assert brought.read_bytes() == plain.read_bytes()
    for noted in (tmp_path / "brought" / "run.yaml", tmp_path / "brought" / "model" / "card.yaml"):
        manifest = {file["name"]: file for file in read_yaml(noted)["files"]}
        assert manifest.keys() == files.keys()
        assert manifest["both/en.tgz"]["sha256"] == files["both/en.tgz"]["sha256"]
        assert manifest["both/en.tgz"]["bytes"] == (tmp_path / "en.tgz").stat().st_size
        assert manifest["first.en"]["origin"] == "c/first of both/en.tgz"
        assert manifest["valid.de"]["origin"] == "the text in dev.sgm of both/de.tgz"
        assert manifest["train.de"]["origin"] == "join of first.de, second.de"
    origins = {file["name"]: file["origin"] for file in read_yaml(tmp_path / "brought" / "run.yaml")["files"]}
    assert origins["both/en.tgz"] == (tmp_path / "en.tgz").as_uri()


def test_missing_recipe(train: Train, recipe: Path) -> None:
    (recipe / "recipe.yaml").rename(recipe / "other.yaml")
    assert f"{recipe}: no recipe.yaml in this folder" in error(train("run"))


def test_missing_file(train: Train, recipe: Path) -> None:
    (recipe / "train.de").unlink()
    assert error(train("run")).startswith("train.de: in none of: beside the recipe")


def test_unequal_line_counts(train: Train, recipe: Path) -> None:
    with (recipe / "train.de").open("a") as file:
        file.write("one more\n")
    message = error(train("run"))
    assert f"{recipe / 'train.en'} has 300 lines" in message
    assert f"{recipe / 'train.de'} has 301" in message


def test_invalid_utf8(train: Train, recipe: Path, tmp_path: Path) -> None:
    whole = (recipe / "train.de").read_bytes()
    line = whole[:100].count(b"\n") + 1
    (recipe / "train.de").write_bytes(whole[:100] + b"\xff\xfe" + whole[100:])
    assert f"train.de:{line}: invalid UTF-8 at byte 100" in error(train("run"))
    assert not (tmp_path / "run" / "vocabulary").exists()


def test_empty_corpus(train: Train, recipe: Path, tmp_path: Path) -> None:
    for side in ("en", "de"):
        (recipe / f"train.{side}").write_text("")
    assert error(train("run"))
    assert not (tmp_path / "run" / "data").exists()


def test_vocabulary_larger_than_the_text_allows(train: Train) -> None:
    message = error(train("run", "vocabulary.size=30k"))
    assert "30000" in message.replace(",", "")
    assert train("run", "training.updates=2").returncode == 0  # nothing was made yet that would be of other options


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("training.batch_token=1", "unknown key training.batch_token; did you mean batch_tokens?"),
        ("model.dropout=a lot", 'model.dropout: found "a lot", wanted a number'),
        ("training.schedule=cosin", "found cosin, wanted one of"),
        ("training.updates", "wanted key=value"),
        ("vocabulary.joint=false", "model.tying: three-way needs one vocabulary"),
        ("training.device=tpu", "device: found tpu"),
        ("expect.tset={bleu: [1, 2]}", "expect: found tset, wanted the name of a test set: test"),
    ],
)
def test_settings_that_make_no_sense(train: Train, tmp_path: Path, setting: str, message: str) -> None:
    found = error(train("run", setting)).replace('"cosin"', "cosin")
    assert message in found
    assert not (tmp_path / "run").exists()


def test_an_empty_validation_set(train: Train, recipe: Path, tmp_path: Path) -> None:
    for side in ("en", "de"):
        (recipe / f"valid.{side}").write_text("")
    assert "data.valid: no pair in it" in error(train("run"))
    assert not checkpoints_in(tmp_path / "run")


def test_a_validation_pair_that_the_model_cannot_take(train: Train, recipe: Path, tmp_path: Path) -> None:
    settings = ["model.positions={kind: learned, maximum: 9}", "data.filters.longest=8"]
    with (recipe / "valid.en").open("a") as one, (recipe / "valid.de").open("a") as other:
        one.write("alpha " * 30 + "\n")
        other.write("alpha\n")
    message = error(train("run", *settings))
    assert "data.valid: pair " in message
    assert "model.positions.maximum" in message
    assert not checkpoints_in(tmp_path / "run")


def test_weights_that_leave_no_pair(train: Train) -> None:
    corpus = "data.train=[{source: train.en, target: train.de, weight: 1e-4}]"
    assert "data.train: no pair in an epoch (0.0001 of 300 pairs), wanted a larger weight" in error(
        train("run", corpus)
    )


def test_a_packed_corpus_of_another_vocabulary(train: Train, tmp_path: Path) -> None:
    assert train("run").returncode == 0
    assert train("other", "vocabulary.size=279").returncode == 0
    for side in ("corpus1",):
        (tmp_path / "run" / "data" / side).rename(tmp_path / "kept")
        (tmp_path / "other" / "data" / side).rename(tmp_path / "run" / "data" / side)
    message = error(train("run", "training.updates=20"))
    assert "packed with vocabulary" in message


def test_a_folder_that_is_no_run_is_left_alone(train: Train, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("dear")
    assert "not empty" in error(train("run"))
    assert "no run" in error(train("run", "--overwrite"))
    assert (tmp_path / "run" / "thesis.txt").read_text() == "dear"


def test_the_recipes_own_folder_is_no_run(train: Train, recipe: Path) -> None:
    before = {file: file.read_bytes() for file in recipe.iterdir()}
    for flags in ([], ["--overwrite"]):
        assert f"{recipe}: the folder is not empty, and no run" in error(train(str(recipe), *flags))
    assert {file: file.read_bytes() for file in recipe.iterdir()} == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small file system")
def test_a_full_disk_keeps_the_last_checkpoint(train: Train, recipe: Path, tmp_path: Path) -> None:
    home = tmp_path / "small"
    home.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(home)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("mounting a small file system is not allowed here")
    try:
        result = train("small/run", "training.updates=1000", "training.checkpoint.keep_last=50")
        message = error(result)
        assert "cannot be written" in message
        assert "No space left on device" in message
        kept = checkpoints_in(home / "run")
        assert kept
        for folder in kept.values():
            assert (folder / "state.json").exists()
        assert not list((home / "run" / "checkpoints").glob(".*"))
    finally:
        subprocess.run(["umount", "-l", str(home)], check=True)


def test_compressed_text_is_read(train: Train, recipe: Path) -> None:
    document = read_yaml(recipe / "recipe.yaml")
    for side in ("en", "de"):
        text = (recipe / f"train.{side}").read_bytes()
        (recipe / f"train.{side}.gz").write_bytes(gzip.compress(text))
    document["data"]["train"] = [{"source": "train.en.gz", "target": "train.de.gz", "weight": 1.5}]
    (recipe / "recipe.yaml").write_text(to_yaml(document))
    assert train("run", "training.updates=2").returncode == 0
