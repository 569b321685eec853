from pathlib import Path

import pytest
import torch

from nmtk.devices import (
    attention_kernels,
    cpu_flags,
    cpu_vendor,
    devices,
    has_fast_bfloat16,
    pick_device,
    pick_precision,
)
from nmtk.errors import OptionsError

CPU = torch.device("cpu")


def test_auto_is_the_first_device_and_the_cpu_is_always_the_last() -> None:
    assert pick_device("auto") == devices()[0]
    assert pick_device("cpu") == devices()[-1] == CPU


def test_gpus_come_before_the_cpu_and_may_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert pick_device("auto").type == "cuda"
    assert pick_device("cuda") == torch.device("cuda")
    assert pick_device("cuda:1") == torch.device("cuda:1")
    with pytest.raises(OptionsError, match=r"^device: cuda:2 is not on this machine; here: cuda:0, cuda:1, .*cpu$"):
        pick_device("cuda:2")


def test_a_device_that_is_not_here_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    for name in ("cuda", "cuda:0", "mps"):
        with pytest.raises(OptionsError, match=f"^device: {name} is not on this machine; here: cpu$"):
            pick_device(name)


def test_attention_is_never_built_anew_for_a_shape_on_gpus() -> None:
    before = torch.backends.cuda.cudnn_sdp_enabled(), torch.backends.cuda.flash_sdp_enabled()
    with attention_kernels(torch.device("cuda")):
        assert not torch.backends.cuda.cudnn_sdp_enabled()
        assert torch.backends.cuda.flash_sdp_enabled()
    with attention_kernels(CPU):
        assert (torch.backends.cuda.cudnn_sdp_enabled(), torch.backends.cuda.flash_sdp_enabled()) == before


@pytest.mark.parametrize("name", ["gpu", "", "cuda:x", "xla", "Cpu"])
def test_an_unknown_device_is_refused(name: str) -> None:
    with pytest.raises(OptionsError, match=f"^device: found {name}, wanted auto, cpu, cuda, cuda:N or mps$"):
        pick_device(name)


@pytest.mark.parametrize(
    ("flags", "fast"),
    [("fpu avx2 amx_bf16 amx_tile", True), ("fpu avx512_bf16", True), ("fpu avx512f avx512_vnni", False), ("", False)],
)
def test_a_cpu_computes_in_bfloat16_where_it_has_instructions_for_it(
    flags: str, fast: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "cpuinfo"
    source.write_text(f"processor\t: 0\nflags\t\t: {flags}\nbugs\t\t: amx_bf16_is_no_flag\n")
    monkeypatch.setattr("nmtk.devices.cpu_flags", lambda: cpu_flags(source))
    assert has_fast_bfloat16(CPU) == fast
    assert pick_precision("auto", CPU) == (torch.bfloat16 if fast else torch.float32)
    assert pick_precision("auto", CPU, exact=True) == torch.float32


def test_whose_processor_it_is(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nvendor_id\t: AuthenticAMD\nmodel name\t: AMD EPYC\n", "utf-8")
    assert cpu_vendor(tmp_path / "cpuinfo") == "AuthenticAMD"
    assert cpu_vendor(tmp_path / "none") == ""


def test_bytes_are_for_cpus() -> None:
    assert pick_precision("int8", CPU) == torch.int8
    with pytest.raises(OptionsError, match=r"^precision: int8 is for CPUs, found the device cuda: wanted auto, "):
        pick_precision("int8", torch.device("cuda"))


def test_a_system_that_says_nothing_of_its_cpu_computes_in_float32(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nmtk.devices.cpu_flags", lambda: cpu_flags(tmp_path / "none"))
    assert pick_precision("auto", CPU) == torch.float32


def test_a_named_precision_is_taken_at_its_word() -> None:
    assert pick_precision("float32", CPU) == torch.float32
    assert pick_precision("bfloat16", CPU) == torch.bfloat16
    assert pick_precision("float16", CPU) == torch.float16
    with pytest.raises(OptionsError, match=r"^precision: found half, wanted auto, float32, bfloat16, float16, int8$"):
        pick_precision("half", CPU)
