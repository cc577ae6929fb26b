"""Small models of the true classes of transformers, made and saved as their authors would."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

WORDS = [
    "a",
    "red",
    "blue",
    "cup",
    "dog",
    "cat",
    "on",
    "the",
    "table",
    "sofa",
    "small",
    "large",
    "photo",
    "of",
    "and",
    "in",
    "sky",
    "green",
    "huge",
    "giant",
    "wide",
    "enormous",
    "tiny",
    "little",
    "narrow",
    "slim",
    "thing",
    "object",
    "item",
    "no",
]
VOCABULARY = 40
"""Rows of the networks' tables of words; a few more than there are words."""

SIDE = 32
VISION = {
    "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
    "image_size": SIDE, "patch_size": 8,
}  # fmt: skip
TEXT = {
    "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
}  # fmt: skip
SIGLIP = {"mean": [0.5] * 3, "std": [0.5] * 3}
IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}


def shaken(model: torch.nn.Module) -> torch.nn.Module:
    """Give all weights of a model values that are not constant: some begin as zeros and ones."""
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
        for name, buffer in model.named_buffers():
            if "running_var" in name:
                buffer.uniform_(0.5, 1.5)
    return model.eval()


def save(model: torch.nn.Module, folder: Path) -> Path:
    shaken(model).save_pretrained(folder)
    return folder


def tokenizer(folder: Path, pad: str = "[PAD]") -> None:
    """Save a word tokenizer that puts [CLS] and [SEP] around a text."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    words = {word: n for n, word in enumerate([pad, "[UNK]", "[CLS]", "[SEP]", *WORDS])}
    own = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    own.pre_tokenizer = pre_tokenizers.Whitespace()
    own.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=own, pad_token=pad, unk_token="[UNK]", cls_token="[CLS]",
        sep_token="[SEP]", eos_token="[SEP]", model_max_length=24,
    ).save_pretrained(folder)  # fmt: skip


def pictures(folder: Path, kind: str, **settings: object) -> None:
    """Save how pictures are prepared."""
    colours = settings.pop("colours", IMAGENET)
    own = {
        "image_processor_type": kind, "do_resize": True, "do_rescale": True, "do_normalize": True,
        "rescale_factor": 1 / 255, "image_mean": colours["mean"], "image_std": colours["std"],
        **settings,
    }  # fmt: skip
    (folder / "preprocessor_config.json").write_text(json.dumps(own), encoding="utf-8")


SQUARE = {"height": SIDE, "width": SIDE}


def vit(folder: Path) -> Path:
    from transformers import ViTConfig, ViTModel

    save(ViTModel(ViTConfig(**VISION)), folder)
    pictures(folder, "ViTImageProcessor", size=SQUARE, resample=2, colours=SIGLIP)
    return folder


def dinov2(folder: Path) -> Path:
    from transformers import Dinov2Config, Dinov2Model

    own = {k: v for k, v in VISION.items() if k != "intermediate_size"}
    save(Dinov2Model(Dinov2Config(**own)), folder)
    pictures(
        folder, "BitImageProcessor", size={"shortest_edge": 40}, do_center_crop=True,
        crop_size=SQUARE, resample=3, do_convert_rgb=True,
    )  # fmt: skip
    return folder


def dinov3(folder: Path) -> Path:
    from transformers import DINOv3ViTConfig, DINOv3ViTModel

    save(DINOv3ViTModel(DINOv3ViTConfig(**VISION, num_register_tokens=4)), folder)
    pictures(folder, "DINOv3ViTImageProcessorFast", size=SQUARE, resample=2)
    return folder


def convnext(folder: Path) -> Path:
    from transformers import ConvNextConfig, ConvNextModel

    save(ConvNextModel(ConvNextConfig(hidden_sizes=[8, 16, 24, 32], depths=[1, 1, 1, 1])), folder)
    pictures(folder, "ConvNextImageProcessor", size={"shortest_edge": 64}, crop_pct=0.875,
             resample=3)  # fmt: skip
    return folder


def mobilenet(folder: Path) -> Path:
    from transformers import MobileNetV2Config, MobileNetV2Model

    model = MobileNetV2Model(MobileNetV2Config(depth_multiplier=0.35, image_size=64))
    torch.manual_seed(0)
    for module in model.modules():
        if isinstance(module, torch.nn.Conv2d):  # else nothing is left after fifty layers
            torch.nn.init.kaiming_normal_(module.weight)
    save(model, folder)
    pictures(
        folder, "MobileNetV2ImageProcessor", size={"shortest_edge": 72}, do_center_crop=True,
        crop_size={"height": 64, "width": 64}, resample=2,
    )  # fmt: skip
    return folder


def clip(folder: Path) -> Path:
    from transformers import CLIPConfig, CLIPModel

    text = {**TEXT, "vocab_size": VOCABULARY, "max_position_embeddings": 24, "eos_token_id": 3}
    torch.manual_seed(0)  # what is learned from it must not hang on the tests before
    save(CLIPModel(CLIPConfig(text_config=text, vision_config=VISION, projection_dim=20)), folder)
    tokenizer(folder)
    pictures(
        folder, "CLIPImageProcessor", size={"shortest_edge": SIDE}, do_center_crop=True,
        crop_size=SQUARE, resample=3, do_convert_rgb=True,
    )  # fmt: skip
    return folder


def siglip(folder: Path) -> Path:
    from transformers import SiglipConfig, SiglipModel

    text = {**TEXT, "vocab_size": VOCABULARY, "max_position_embeddings": 24, "projection_size": 32}
    save(SiglipModel(SiglipConfig(text_config=text, vision_config=VISION)), folder)
    tokenizer(folder)
    pictures(folder, "SiglipImageProcessor", size=SQUARE, resample=3, colours=SIGLIP)
    return folder


def naflex(folder: Path) -> Path:
    from transformers import Siglip2Config, Siglip2ImageProcessorPil, Siglip2Model

    text = {**TEXT, "vocab_size": VOCABULARY, "max_position_embeddings": 24, "projection_size": 32}
    vision = {k: v for k, v in VISION.items() if k != "image_size"} | {"num_patches": 16}
    save(Siglip2Model(Siglip2Config(text_config=text, vision_config=vision)), folder)
    tokenizer(folder)
    Siglip2ImageProcessorPil(patch_size=8, max_num_patches=20).save_pretrained(folder)
    return folder


def bert(folder: Path) -> Path:
    from transformers import BertConfig, BertModel

    save(BertModel(BertConfig(**TEXT, vocab_size=VOCABULARY, max_position_embeddings=24)), folder)
    tokenizer(folder)
    return folder


def decoder(folder: Path) -> Path:
    from transformers import Qwen3Config, Qwen3ForCausalLM

    own = Qwen3Config(**TEXT, vocab_size=VOCABULARY, num_key_value_heads=2, head_dim=8,
                      max_position_embeddings=24)  # fmt: skip
    save(Qwen3ForCausalLM(own), folder)
    tokenizer(folder)
    return folder


def t5(folder: Path) -> Path:
    from transformers import T5Config, T5ForConditionalGeneration

    own = T5Config(d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=4, vocab_size=VOCABULARY,
                   decoder_start_token_id=0)  # fmt: skip
    save(T5ForConditionalGeneration(own), folder)
    tokenizer(folder)
    return folder


def sentence(folder: Path, mode: str, prompt: str = "") -> Path:
    """A folder of sentence-transformers: a network, pooling, a dense layer, normalisation."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import (
        Dense,
        Normalize,
        Pooling,
        Transformer,
    )  # fmt: skip

    network = Transformer(str(bert(folder / "network")), max_seq_length=16)
    steps = [network, Pooling(32, mode), shaken(Dense(32, 12)), Normalize()]
    prompts = {"prompts": {"query": prompt}, "default_prompt_name": "query"} if prompt else {}
    SentenceTransformer(modules=steps, **prompts).save(str(folder / mode))
    return folder / mode


def whisper(folder: Path) -> Path:
    from transformers import WhisperConfig, WhisperFeatureExtractor, WhisperModel

    own = WhisperConfig(
        d_model=32, encoder_layers=2, encoder_attention_heads=4, encoder_ffn_dim=48,
        decoder_layers=1, decoder_attention_heads=4, decoder_ffn_dim=48, num_mel_bins=80,
        vocab_size=VOCABULARY, pad_token_id=0, bos_token_id=2, eos_token_id=3,
        decoder_start_token_id=2,
    )  # fmt: skip
    save(WhisperModel(own), folder)
    WhisperFeatureExtractor().save_pretrained(folder)
    return folder


def wav2vec2(folder: Path, norm: str = "group") -> Path:
    from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2Model

    own = Wav2Vec2Config(**TEXT, conv_dim=[16] * 7, num_conv_pos_embeddings=16,
                         num_conv_pos_embedding_groups=4, feat_extract_norm=norm,
                         do_stable_layer_norm=norm == "layer")  # fmt: skip
    save(Wav2Vec2Model(own), folder)
    Wav2Vec2FeatureExtractor(return_attention_mask=norm == "layer").save_pretrained(folder)
    return folder


def ast(folder: Path) -> Path:
    from transformers import ASTConfig, ASTFeatureExtractor, ASTModel

    own = {k: v for k, v in VISION.items() if k != "image_size"} | {"patch_size": 16}
    save(ASTModel(ASTConfig(**own, max_length=128)), folder)
    ASTFeatureExtractor(max_length=128).save_pretrained(folder)
    return folder


def clap(folder: Path, fused: bool = False) -> Path:
    from transformers import ClapConfig, ClapFeatureExtractor, ClapModel

    own = ClapConfig(
        text_config={
            **TEXT, "vocab_size": VOCABULARY, "max_position_embeddings": 30, "pad_token_id": 0,
        },
        audio_config={
            "patch_embeds_hidden_size": 16, "hidden_size": 32, "depths": [1, 1],
            "num_attention_heads": [2, 2], "num_hidden_layers": 2, "num_mel_bins": 64,
            "spec_size": 256, "window_size": 8, "enable_fusion": fused,
        },
        projection_dim=20,
    )  # fmt: skip
    save(ClapModel(own), folder)
    truncation = "fusion" if fused else "rand_trunc"
    ClapFeatureExtractor(truncation=truncation, max_length_s=10).save_pretrained(folder)
    tokenizer(folder)
    return folder


def videomae(folder: Path) -> Path:
    from transformers import VideoMAEConfig, VideoMAEModel

    save(VideoMAEModel(VideoMAEConfig(**VISION, num_frames=4)), folder)
    pictures(
        folder, "VideoMAEImageProcessor", size={"shortest_edge": SIDE}, do_center_crop=True,
        crop_size=SQUARE, resample=2,
    )  # fmt: skip
    return folder


MAKERS: dict[str, Callable[[Path], Path]] = {
    "vit": vit, "dinov2": dinov2, "dinov3": dinov3, "convnext": convnext, "mobilenet": mobilenet,
    "clip": clip, "siglip": siglip, "naflex": naflex, "bert": bert, "decoder": decoder, "t5": t5,
    "whisper": whisper, "wav2vec2": wav2vec2, "ast": ast, "clap": clap, "videomae": videomae,
}  # fmt: skip


def causal(folder: Path, texts: Sequence[str], chat: bool = True) -> Path:
    """A small Llama with subwords of its own, and a chat template."""
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    from plait.subwords import learn_subwords

    special = ["<|begin|>", "<|end|>", "<|user|>", "<|answer|>"]
    words = PreTrainedTokenizerFast(
        tokenizer_object=learn_subwords(texts, 400, special, lowercase=False),
        bos_token="<|begin|>",
        eos_token="<|end|>",
        pad_token="<|end|>",
    )
    if chat:
        words.chat_template = (
            "{% for m in messages %}<|begin|><|user|>{{ m['content'] }}<|end|>{% endfor %}"
            "{% if add_generation_prompt %}<|answer|>{% endif %}"
        )
    words.save_pretrained(folder)
    config = LlamaConfig(
        vocab_size=len(words), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=512,
        bos_token_id=0, eos_token_id=1, pad_token_id=1,
    )  # fmt: skip
    return save(LlamaForCausalLM(config), folder)


CHAT = (
    "{{ bos_token }}{% for message in messages %}{{ message.role }}: "
    "{% for part in message.content %}"
    "{% if part.type == 'image' %}<image>\n{% else %}{{ part.text }}{% endif %}{% endfor %}"
    "{% endfor %}{% if add_generation_prompt %} assistant:{% endif %}"
)


def llava(folder: Path, texts: Sequence[str], kind: str = "llava") -> Path:
    """A small LLaVA, ViP-LLaVA, InternVL, Idefics 3 or SmolVLM: eyes before a Llama."""
    import transformers
    from transformers import CLIPVisionConfig, LlamaConfig, PreTrainedTokenizerFast

    from plait.subwords import learn_subwords

    marks = ["<img>", "</img>", "<fake_token_around_image>", "<global-img>"]
    special = ["<s>", "</s>", "<image>", *marks]
    words = PreTrainedTokenizerFast(
        tokenizer_object=learn_subwords(texts, 400, special, lowercase=False),
        bos_token="<s>", eos_token="</s>", pad_token="</s>",
    )  # fmt: skip
    if kind not in ("llava", "vipllava"):
        words.chat_template = CHAT
    words.save_pretrained(folder)
    text = LlamaConfig(
        vocab_size=len(words), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, bos_token_id=0, eos_token_id=1,
        pad_token_id=1,
    )  # fmt: skip
    if kind in ("idefics3", "smolvlm"):
        name = {"idefics3": "Idefics3", "smolvlm": "SmolVLM"}[kind]
        own, longest = getattr(transformers, f"{name}Config"), {"longest_edge": SIDE}
        pictures(folder, f"{name}ImageProcessor", size={"longest_edge": 2 * SIDE},
                 max_image_size=longest, do_image_splitting=True, do_pad=True)  # fmt: skip
        config = own(vision_config=VISION, text_config=text, image_token_id=2)
        return save(getattr(transformers, f"{name}ForConditionalGeneration")(config), folder)
    if kind == "internvl":
        pictures(folder, "GotOcr2ImageProcessor", size=SQUARE, crop_to_patches=True)
        eyes = {**VISION, "image_size": [SIDE, SIDE], "patch_size": [8, 8]}
        config = transformers.InternVLConfig(
            vision_config=eyes, text_config=text, image_token_id=2, image_seq_length=4
        )
        return save(transformers.InternVLForConditionalGeneration(config), folder)
    crop = {"height": SIDE, "width": SIDE}
    pictures(folder, "CLIPImageProcessor", size={"shortest_edge": SIDE}, crop_size=crop)
    both = {
        "vision_config": CLIPVisionConfig(**VISION, projection_dim=16), "text_config": text,
        "image_token_index": 2,
    }  # fmt: skip
    if kind == "vipllava":
        config = transformers.VipLlavaConfig(**both, vision_feature_layers=[-1, -2])
        return save(transformers.VipLlavaForConditionalGeneration(config), folder)
    config = transformers.LlavaConfig(**both, vision_feature_layer=-2)
    return save(transformers.LlavaForConditionalGeneration(config), folder)
