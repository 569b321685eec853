import gzip
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from nmtk.bundle import CARD, OPTIONS, WEIGHTS
from nmtk.evaluation.metrics import Bleu, Chrf, CompoundBleu, Ter, TokenisedBleu, evaluate
from nmtk.evaluation.report import Layout, as_text, rendered
from nmtk.evaluation.scores import Score
from nmtk.evaluation.significance import Resampling, evaluate_systems
from nmtk.evaluation.testsets import Task
from tests.recipe.test_evaluate import make_run

REFERENCE = ["Ein Hund schläft im Schatten.", "Zwei Katzen sitzen auf der Mauer.", "Das ist alles."]
HYPOTHESES = ["Ein Hund schläft im Schatten.", "Zwei Katzen sind auf einer Mauer.", "Das war alles."]


def make_model(folder: Path, target: str) -> None:
    """A model folder, without a model, whose card names the target language."""
    folder.mkdir(parents=True)
    for name in (OPTIONS, WEIGHTS):
        (folder / name).touch()
    (folder / CARD).write_text(f"target: {target}\n")


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, which is the current one, with `ref`, `other` and `hyp` in it."""
    texts = {"ref": REFERENCE, "other": [line.replace("sitzen", "sind") for line in REFERENCE], "hyp": HYPOTHESES}
    for name, lines in texts.items():
        (tmp_path / name).write_text("".join(line + "\n" for line in lines), "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_scores_go_to_standard_output_one_a_line(files: Path, nmtk: Callable[..., Any]) -> None:
    wanted = as_text({"": evaluate(HYPOTHESES, [REFERENCE])})
    assert nmtk("evaluate", "ref", "-i", "hyp") == (0, wanted + "\n", "")
    assert [line.split()[0] for line in wanted.splitlines()] == ["BLEU", "chrF2", "TER"]


def test_a_single_metric_is_a_list_in_json_too(files: Path, nmtk: Callable[..., Any]) -> None:
    ended = nmtk("evaluate", "ref", "-i", "hyp", "--metric", "chrf", "--format", "json", "-w", 4)
    assert json.loads(ended.out) == [score.json(4) for score in evaluate(HYPOTHESES, [REFERENCE], ["chrf"])]


def test_the_settings_are_those_of_sacrebleu(files: Path, nmtk: Callable[..., Any]) -> None:
    names = ["--metric", "ter", "--metric", "bleu", "--metric", "chrf", "--metric", "bleu"]
    settings = ["-tok", "char", "-lc", "--chrf-lowercase", "--ter-case-sensitive"]
    metrics = [
        Ter(case_sensitive=True, normalized=True, no_punct=True, asian_support=True),
        Bleu(tokenize="char", lowercase=True, smooth_method="floor", smooth_value=0.5),
        Chrf(lowercase=True, eps_smoothing=True),
    ]
    settings += ["-s", "floor", "-sv", 0.5, "--chrf-eps-smoothing", "--ter-normalized"]
    settings += ["--ter-no-punct", "--ter-asian-support"]
    ended = nmtk("evaluate", "ref", "other", "-i", "hyp", *names, *settings)
    other = (files / "other").read_text("utf-8").splitlines()
    assert ended.out == as_text({"": evaluate(HYPOTHESES, [REFERENCE, other], metrics)}) + "\n"


@pytest.mark.parametrize("arguments", [["ref"], ["ref", "-i", "-"], ["-", "-i", "hyp"], ["ref.gz", "-i", "hyp"]])
def test_text_comes_from_files_plain_or_compressed_or_from_standard_input(
    arguments: list[str], files: Path, nmtk: Callable[..., Any]
) -> None:
    (files / "ref.gz").write_bytes(gzip.compress((files / "ref").read_bytes()))
    stdin = (files / ("ref" if arguments[0] == "-" else "hyp")).read_text("utf-8")
    assert nmtk("evaluate", *arguments, stdin=stdin) == nmtk("evaluate", "ref", "-i", "hyp")


def test_a_warning_goes_to_standard_error_and_the_scores_are_printed(files: Path, nmtk: Callable[..., Any]) -> None:
    ended = nmtk("evaluate", "ref", stdin="Ein Hun@@ d .\n" * 3)
    assert ended.code == 0
    assert [line.split(":")[:2] for line in ended.err.splitlines()] == [["nmtk", " warning"]] * 2
    assert "(@@)" in ended.err
    assert len(ended.out.splitlines()) == 3


@pytest.mark.parametrize(
    ("arguments", "stdin", "message"),
    [
        (["ref", "-i", "nope"], "", "nope: no such file"),
        (["nope", "-i", "hyp"], "", "nope: no such file"),
        (["ref"], "a\n", "standard input has 1 line, but ref has 3 lines: wanted line i of the one to translate what"),
        (["ref", "-i", "latin1"], "", "latin1:2: invalid UTF-8 at byte 7: found f6"),
        (["empty", "-i", "empty"], "", "empty: no lines, wanted at least one translation"),
        (["-m", "nope"], "", "nope: "),
        (["ref", "-i", "hyp", "-i", "short", "-pbs"], "", "short has 1 line, but ref has 3 lines"),
        (["ref", "-i", "hyp", "--metric", "comet"], "", "comet: wanted the source that was translated too: --source"),
        (["-t", "wmt14/ful", "-l", "en-de", "-i", "hyp"], "", "wmt14/ful: no test set of sacreBLEU's; did you mean"),
        (["-m", "nope", "--source", "hyp", "short"], "", "hyp has 3 lines, but short has 1 line"),
        (["-m", "nope", "--source", "hyp", "ref"], "", "nope: no such model folder"),
    ],
)
def test_bad_input_is_told_in_one_line(
    arguments: list[str], stdin: str, message: str, files: Path, nmtk: Callable[..., Any]
) -> None:
    (files / "latin1").write_bytes("gut\nschön\nja\n".encode("latin1"))
    (files / "short").write_text("a\n")
    (files / "empty").touch()
    ended = nmtk("evaluate", *arguments, stdin=stdin)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(f"nmtk: error: {message}")
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-i", "hyp"], "REF: wanted at least one reference"),
        (["-", "-i", "-"], "-i: found standard input for two texts"),
        (["ref", "-i", "hyp", "-m", "run"], "-i: wanted a file to score, -i, or a model, -m, and not both"),
        (["ref", "-m", "run"], "REF: with -m RUN, wanted the text it translates too: --source FILE"),
        (["-m", "run", "--source", "ref"], "REF: wanted at least one reference"),
        (["ref", "-i", "hyp", "--metric", "blue"], "--metric': 'blue' is not one of 'bleu', 'chrf', 'chrf++', 'ter'"),
        (["ref", "-i", "hyp", "--metric", "blue"], "'comet'; did you mean bleu?\n"),
        (["ref", "-i", "hyp", "-f", "yaml"], "'yaml' is not one of 'text', 'json', 'latex'\n"),
        (["ref", "-i", "hyp", "--tokenize", "14a"], "'14a' is not one of '13a'"),
        (["ref", "-i", "hyp", "--width", "-1"], "--width"),
        (["ref", "-i", "hyp", "-sv", "1"], "--smooth-value: exp has none: wanted --smooth-method floor or add-k"),
        (["ref", "-i", "hyp", "-i", "hyp", "--paired-bs"], "-i: found one system twice"),
        (["ref", "-i", "hyp", "--paired-ar"], "-i: for a paired test, wanted two systems or more: -i A -i B"),
        (["ref", "-i", "hyp", "-i", "other", "-pbs", "-par"], "--paired-ar: wanted one paired test, and not two"),
        (["ref", "-i", "hyp", "--seed", "0"], "--seed: found 0, wanted a whole number above 0, or none"),
        (["ref", "-i", "hyp", "--seed", "x"], "--seed: found x, wanted a whole number above 0, or none"),
        (["-t", "wmt17", "-i", "hyp"], "-t: wanted its language pair too, as -l en-de"),
        *(
            (
                ["-t", "wmt17", "-l", pair, "-i", "hyp"],
                f"'--language-pair': found {pair}, wanted the codes of two languages, as en-de or en-pt_BR",
            )
            for pair in ("en", "English-German", "en-de-fr", "en_de", "-de")
        ),
        (["-m", "run", "-l", "en-de"], "-l: a run has its own languages: wanted it with REF or -t"),
        (["ref", "-i", "hyp", "--width", "16"], "'-w': wanted at most 15"),
        (["-"], "-i: found standard input for two texts, wanted it for one"),
        (["ref", "-t", "wmt17", "-l", "en-de"], "-t: wanted references, REF, or a test set, -t, and not both"),
        (["-t", "wmt17", "-l", "en-de", "--source", "ref"], "--source: a test set, -t, has its own"),
        (["ref", "--echo", "src"], "--echo: wanted the test set to print: -t NAME -l PAIR"),
        (["ref", "-i", "hyp", "--robustness"], "--robustness: wanted a run, -m, on the first test set of its recipe"),
        *(
            (
                ["-m", "run", "--robustness", *flag.split()],
                f"it has a table of its own: found {flag.split()[0]}, wanted",
            )
            for flag in (
                "--metric ter",
                "--lowercase",
                "--tokenize zh",
                "--chrf-lowercase",
                "--width 2",
                "--confidence",
                "--all-checkpoints",
                "--compound-split",
                "--seed 3",
            )
        ),
        (["-m", "run", "--robustness", "-lc", "-tok", "13a"], "found --lowercase, --tokenize, wanted only -m"),
        (["-m", "run", "--robustness", "--format", "latex"], "--robustness: found --format latex, wanted text or json"),
        (["-m", "run", "--lines", "4"], "--lines: wanted --robustness, whose lines they are"),
        (["-m", "run", "--robustness", "--lines", "0"], "--lines"),
        (["-m", "run", "--tokenised-reference"], "--tokenised-reference: wanted files of references, REF"),
        (["ref", "-i", "hyp", "--all-checkpoints"], "--all-checkpoints: wanted a run, -m, on the test sets of its rec"),
    ],
)
def test_wrong_usage_is_exit_code_2(arguments: list[str], message: str, files: Path, nmtk: Callable[..., Any]) -> None:
    ended = nmtk("evaluate", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err


def test_a_terminal_is_not_waited_for(files: Path, nmtk: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = SimpleNamespace(isatty=lambda: True)
    monkeypatch.setattr("nmtk.cli.evaluate.sys", SimpleNamespace(stdin=terminal, stderr=sys.stderr))
    ended = nmtk("evaluate", "ref")
    assert ended.code == 2
    assert "or a file of them: -i HYP" in ended.err


@pytest.mark.parametrize("layout", ["text", "json", "latex"])
def test_a_run_is_scored_on_its_own_test_sets(
    layout: Layout, nmtk: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = {name: {"model": [Score("BLEU", figure, "nrefs:1")]} for name, figure in (("valid", 1.5), ("test", 2.5))}

    def evaluate_run(run: Path, metrics: Sequence[Any], all_checkpoints: bool, resampling: Resampling) -> Any:
        assert (run, list(metrics), all_checkpoints) == (Path("runs/a"), [Bleu(lowercase=True), CompoundBleu()], False)
        assert resampling.interval == 50
        return scores

    monkeypatch.setattr("nmtk.recipe.evaluate.evaluate_run", evaluate_run)
    settings = ["--metric", "bleu", "-lc", "--compound-split", "-ci", "-cin", 50, "--format", layout]
    assert nmtk("evaluate", "-m", "runs/a", *settings) == (0, rendered(scores, layout) + "\n", "")


def test_the_robustness_of_a_run_is_a_table_or_json(nmtk: Callable[..., Any], tmp_path: Path) -> None:
    run = make_run(tmp_path, "first")
    ended = nmtk("evaluate", "-m", run, "--robustness", "--format", "json")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == (run / "robustness.json").read_text()
    assert json.loads(ended.out)["lines"] == 20  # the whole test set: its recipe asks for more
    document = json.loads(nmtk("evaluate", "-m", run, "--robustness", "--lines", 4, "--format", "json").out)
    assert (document["test"], document["lines"]) == ("small", 4)
    ended = nmtk("evaluate", "-m", run, "--robustness", "--lines", 4)
    head, columns, *rows = ended.out.splitlines()
    assert (head, columns.split()) == ("robustness on small, 4 lines", ["BLEU", "plain", "chrF2", "plain"])
    assert [row.split()[0] for row in rows] == list(document["kinds"])
    typos = document["kinds"]["typos"]["scores"]
    wanted = [f"{score[key]:.2f}" for score in typos for key in ("score", "plain")]
    assert next(row for row in rows if row.startswith("typos")).split()[1:5] == wanted


def test_all_checkpoints_of_a_run_are_a_table(nmtk: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    curve = {"test": {update: [Score("BLEU", 1.5, "nrefs:1")] for update in ("10", "1500")}}
    monkeypatch.setattr("nmtk.recipe.evaluate.evaluate_run", lambda run, metrics, all_checkpoints, resampling: curve)
    ended = nmtk("evaluate", "-m", "runs/a", "--all-checkpoints")
    assert ended == (0, rendered(curve, checkpoints=True) + "\n", "")
    assert ended.out.splitlines()[2].split() == ["Checkpoint", "BLEU", "↑"]


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")  # sacreBLEU forks
def test_several_systems_are_compared_with_the_first(files: Path, nmtk: Callable[..., Any]) -> None:
    other = (files / "other").read_text("utf-8").splitlines()
    for flags, resampling in (
        ([], Resampling()),
        (["--paired-bs", "--paired-bs-n", 40, "--seed", 7], Resampling("bs", 40, seed="7")),
        (["-par", "-parn", 30, "-ci", "-cin", 20, "-j", 2], Resampling("ar", 30, interval=20)),
    ):
        scores = evaluate_systems(
            [("hyp", HYPOTHESES), ("other", other)],
            [("ref", REFERENCE)],
            [Bleu(), Chrf(), Ter()],
            resampling=resampling,
        )
        for layout in ("text", "json", "latex"):
            ended = nmtk("evaluate", "ref", "-i", "hyp", "-i", "other", "-f", layout, *flags)
            assert ended[:2] == (0, rendered({"": scores}, layout) + "\n")
            assert ("3 segments are too few for a paired test" in ended.err) == bool(flags)


def test_the_seed_may_come_from_the_environment_as_in_sacrebleu(
    files: Path, nmtk: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SACREBLEU_SEED", "99")
    assert "|seed:99|" in nmtk("evaluate", "ref", "-i", "hyp", "--confidence", "-cin", 10).out
    assert "|seed:98|" in nmtk("evaluate", "ref", "-i", "hyp", "--confidence", "-cin", 10, "--seed", 98).out


def test_systems_in_folders_of_their_own_keep_their_paths(files: Path, nmtk: Callable[..., Any]) -> None:
    for name in ("a", "b"):
        (files / name).mkdir()
        (files / name / "out").write_bytes((files / "hyp").read_bytes())
    rows = json.loads(nmtk("evaluate", "ref", "-i", "a/out", "-i", "b/out", "-f", "json").out)
    assert [row["system"] for row in rows] == ["a/out", "b/out"]
    rows = json.loads(nmtk("evaluate", "ref", "-i", "a/out", "-i", "hyp", "-f", "json").out)
    assert [row["system"] for row in rows] == ["out", "hyp"]


def test_a_test_set_by_name_is_scored_translated_and_printed(
    files: Path, nmtk: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def task(names: str, pair: str) -> Task:
        assert names == "wmt17"
        return Task([("wmt17 reference", REFERENCE)], ("wmt17 source", HYPOTHESES))

    monkeypatch.setattr("nmtk.evaluation.testsets.named_task", task)
    monkeypatch.setattr(
        "nmtk.decoding.system.load", lambda path, precision: SimpleNamespace(translate=lambda lines: lines)
    )
    wanted = as_text({"": evaluate(HYPOTHESES, [REFERENCE])}) + "\n"
    make_model(files / "runs" / "a", "zh")
    named = ["-t", "wmt17", "-l", "en-de"]
    assert nmtk("evaluate", *named, "-i", "hyp").out == wanted
    assert nmtk("evaluate", *named, "-m", "runs/a").out == wanted
    assert nmtk("evaluate", *named, "--echo", "src") == (0, "".join(line + "\n" for line in HYPOTHESES), "")
    assert nmtk("evaluate", *named, "--echo", "ref") == (0, "".join(line + "\n" for line in REFERENCE), "")
    assert "|tok:zh|" in nmtk("evaluate", "-t", "wmt17", "-l", "en-zh", "-i", "hyp").out
    assert "|tok:13a|" in nmtk("evaluate", "-t", "wmt17", "-l", "en-zh", "-i", "hyp", "-tok", "13a").out


def test_case_is_told_of_where_a_metric_minds_it(files: Path, nmtk: Callable[..., Any]) -> None:
    (files / "lower").write_text((files / "hyp").read_text("utf-8").lower(), "utf-8")
    asked = ["evaluate", "ref", "-i", "lower"]
    assert "lower-cased, and 0% of the references: bleu, chrf will be wrong; restore the case" in nmtk(*asked).err
    assert "lower-cased, and 0% of the references: chrf will be wrong; restore the case" in nmtk(*asked, "-lc").err
    for ignored in (["-lc", "--chrf-lowercase"], ["--metric", "ter"], ["--metric", "tokenised-bleu", "-l", "en-de"]):
        ended = nmtk(*asked, *ignored)
        assert (ended.code, ended.err) == (0, "")


def test_a_language_that_moses_does_not_know_is_told_of(files: Path, nmtk: Callable[..., Any]) -> None:
    asked = ["evaluate", "ref", "-i", "hyp", "--metric", "tokenised-bleu"]
    ended = nmtk(*asked, "-l", "en-mt")
    assert ended.err == "nmtk: warning: tokenised-bleu: Moses has no rules for mt, and takes English's\n"
    assert "-mt-normalised|" in ended.out
    for known in ("de", "ko", "pt_BR"):
        assert nmtk(*asked, "-l", f"en-{known}").err == ""
    wanted = "nmtk: warning: tokenised-bleu: Moses finds no words in zh, where no blanks part them: wanted bleu\n"
    assert nmtk(*asked, "-l", "en-zh").err == wanted
    wanted = "nmtk: warning: tokenised-bleu: the language is not told, and taken for German: wanted -l, as en-de\n"
    assert nmtk(*asked).err == wanted


def test_what_is_wrong_with_the_references_or_the_test_is_told_once_for_all_systems(
    files: Path, nmtk: Callable[..., Any]
) -> None:
    (files / "tokens").write_text("".join(line.replace(".", " .") + "\n" for line in REFERENCE), "utf-8")
    ended = nmtk("evaluate", "tokens", "-i", "hyp", "-i", "other", "--paired-ar", "-parn", 20, "--metric", "bleu")
    few, tokens = ended.err.splitlines()
    assert few.startswith("nmtk: warning: 3 segments are too few for a paired test: ")
    assert tokens.startswith("nmtk: warning: 100% of the references look tokenised: bleu will be wrong; ")
    asked = ["evaluate", "tokens", "-i", "hyp", "--metric", "tokenised-bleu", "-l", "en-de"]
    assert "look tokenised" in nmtk(*asked).err
    assert nmtk(*asked, "--tokenised-reference").err == ""


def test_a_source_shows_what_was_not_translated(files: Path, nmtk: Callable[..., Any]) -> None:
    ended = nmtk("evaluate", "ref", "-i", "hyp", "--source", "hyp")
    assert ended.code == 0
    assert ended.err.startswith("nmtk: warning: 100% of the hypotheses are their source, untranslated, and 33% of the")


def test_tokenised_bleu_takes_references_raw_or_tokenised(files: Path, nmtk: Callable[..., Any]) -> None:
    asked = ["-i", "hyp", "--metric", "tokenised-bleu"]
    assert (
        nmtk("evaluate", "ref", *asked).out
        == as_text({"": evaluate(HYPOTHESES, [REFERENCE], [TokenisedBleu()])}) + "\n"
    )
    assert "-pt-normalised|" in nmtk("evaluate", "ref", *asked, "-l", "en-pt").out
    (files / "cut").write_text("".join(line.replace(".", " .") + "\n" for line in REFERENCE), "utf-8")
    ended = nmtk("evaluate", "cut", *asked, "--tokenised-reference")
    [wanted] = evaluate(HYPOTHESES, [REFERENCE], [TokenisedBleu()])
    assert ended.code == 0
    assert ended.out.split()[:2] == ["tokenised-BLEU", f"{wanted.score:.2f}"]
    assert "|ref:tokenised|" in ended.out


def test_comet_is_asked_by_name(files: Path, nmtk: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    judge = SimpleNamespace(predict=lambda samples, **settings: SimpleNamespace(scores=[0.5] * len(samples)))
    module = SimpleNamespace(download_model=str, load_from_checkpoint=lambda path: judge)
    monkeypatch.setitem(sys.modules, "comet", module)
    asked = ["--metric", "comet", "--comet-model", "Unbabel/x", "--source", "other"]
    ended = nmtk("evaluate", "ref", "-i", "hyp", *asked)
    assert ended.out.startswith("COMET  50.00  nrefs:1|model:Unbabel/x|")


def test_a_text_of_ones_own_is_translated_and_scored(
    files: Path, nmtk: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Shouting:
        def translate(self, lines: list[str]) -> list[str]:
            return [line.upper() for line in lines]

    def load(path: Path, precision: str) -> Shouting:
        assert (path, precision) == (Path("runs/a"), "float32")
        return Shouting()

    monkeypatch.setattr("nmtk.decoding.system.load", load)
    make_model(files / "runs" / "a", "zh-Hans")
    ended = nmtk("evaluate", "-m", "runs/a", "--source", "hyp", "ref")
    wanted = evaluate([line.upper() for line in HYPOTHESES], [REFERENCE], [Bleu(tokenize="zh"), "chrf", "ter"])
    assert ended.out == as_text({"": wanted}) + "\n"
    assert "translates into" not in ended.err
    ended = nmtk("evaluate", "-m", "runs/a", "--source", "hyp", "ref", "-l", "en-de")
    assert "|tok:13a|" in ended.out
    assert ended.err.startswith("nmtk: warning: -l en-de: but runs/a translates into zh-Hans\n")
    ended = nmtk("evaluate", "-m", "runs/a", "--source", "hyp", "ref", "-l", "en-zh_Hant")
    assert "translates into" not in ended.err
