"""Small segmenters of the true classes of transformers, made and saved as their authors would."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from made_models import SIGLIP, SQUARE, TEXT, VISION, VOCABULARY, pictures, save, shaken, tokenizer

NAMES = {0: "road", 1: "sky", 2: "car", 3: "tree"}
LABELS = {"id2label": NAMES, "label2id": {name: number for number, name in NAMES.items()}}


def telling(model: torch.nn.Module) -> torch.nn.Module:
    """Make the queries of an untrained network differ in their classes and in their masks."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if any(part in name for part in ("class_predictor.weight", "mask_embed", "query")):
                parameter.mul_(20)
    return model


def segformer(folder: Path) -> Path:
    from transformers import SegformerConfig, SegformerForSemanticSegmentation

    config = SegformerConfig(
        num_encoder_blocks=4, depths=[1, 1, 1, 1], hidden_sizes=[8, 16, 24, 32],
        num_attention_heads=[1, 2, 2, 4], decoder_hidden_size=16, **LABELS,
    )  # fmt: skip
    save(SegformerForSemanticSegmentation(config), folder)
    pictures(folder, "SegformerImageProcessor", size={"height": 64, "width": 64}, resample=2)
    return folder


def upernet(folder: Path) -> Path:
    from transformers import ConvNextConfig, UperNetConfig, UperNetForSemanticSegmentation

    backbone = ConvNextConfig(
        hidden_sizes=[8, 12, 16, 24], depths=[1, 1, 1, 1],
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )  # fmt: skip
    config = UperNetConfig(
        backbone_config=backbone, hidden_size=16, pool_scales=[1, 2], auxiliary_in_channels=16,
        auxiliary_channels=8, use_auxiliary_head=False, **LABELS,
    )  # fmt: skip
    save(UperNetForSemanticSegmentation(config), folder)
    pictures(folder, "SegformerImageProcessor", size={"height": 64, "width": 64}, resample=2)
    return folder


def beit(folder: Path) -> Path:
    from transformers import BeitConfig, BeitForSemanticSegmentation

    config = BeitConfig(
        **{**VISION, "num_hidden_layers": 4, "image_size": 64, "patch_size": 16},
        out_indices=[1, 2, 3, 4], use_relative_position_bias=True, pool_scales=[1, 2],
        use_auxiliary_head=False, semantic_loss_ignore_index=255, **LABELS,
    )  # fmt: skip
    save(BeitForSemanticSegmentation(config), folder)
    pictures(folder, "BeitImageProcessor", size={"height": 64, "width": 64}, resample=2,
             do_center_crop=False, colours=SIGLIP)  # fmt: skip
    return folder


def dpt(folder: Path) -> Path:
    from transformers import DPTConfig, DPTForSemanticSegmentation

    config = DPTConfig(
        **{**VISION, "num_hidden_layers": 4, "image_size": 64, "patch_size": 16},
        backbone_out_indices=[0, 1, 2, 3], neck_hidden_sizes=[8, 8, 16, 16],
        fusion_hidden_size=8, use_auxiliary_head=False, **LABELS,
    )  # fmt: skip
    save(DPTForSemanticSegmentation(config), folder)
    pictures(folder, "DPTImageProcessor", size={"height": 64, "width": 64}, resample=2,
             colours=SIGLIP)  # fmt: skip
    return folder


def deeplab(folder: Path) -> Path:
    from transformers import MobileNetV2Config, MobileNetV2ForSemanticSegmentation

    config = MobileNetV2Config(depth_multiplier=0.2, output_stride=8, image_size=64, **LABELS)
    save(MobileNetV2ForSemanticSegmentation(config), folder)
    pictures(folder, "MobileNetV2ImageProcessor", size={"shortest_edge": 72}, resample=2,
             do_center_crop=True, crop_size={"height": 64, "width": 64},
             colours=SIGLIP)  # fmt: skip
    return folder


def mobilevit(folder: Path) -> Path:
    from transformers import MobileViTConfig, MobileViTForSemanticSegmentation

    config = MobileViTConfig(
        image_size=64, hidden_sizes=[8, 12, 16], neck_hidden_sizes=[8, 8, 8, 12, 16, 16, 24],
        num_attention_heads=2, aspp_out_channels=16, output_stride=16, **LABELS,
    )  # fmt: skip
    model = shaken(MobileViTForSemanticSegmentation(config))
    with torch.no_grad():  # they are so small that every place looks alike
        for parameter in model.parameters():
            parameter.mul_(45 if parameter.ndim == 4 else 1)
    model.save_pretrained(folder)
    pictures(folder, "MobileViTImageProcessor", size={"shortest_edge": 72}, resample=2,
             do_center_crop=True, crop_size={"height": 64, "width": 64}, do_normalize=False,
             do_flip_channel_order=True)  # fmt: skip
    return folder


SWIN = {
    "image_size": 64, "patch_size": 4, "embed_dim": 8, "depths": [1, 1, 1, 1],
    "num_heads": [1, 1, 2, 2], "window_size": 4, "out_features": [f"stage{n}" for n in range(1, 5)],
}  # fmt: skip


def mask2former(folder: Path) -> Path:
    from transformers import Mask2FormerConfig, Mask2FormerForUniversalSegmentation, SwinConfig

    config = Mask2FormerConfig(
        backbone_config=SwinConfig(**SWIN), feature_size=32, mask_feature_size=32, hidden_dim=32,
        encoder_feedforward_dim=16, encoder_layers=1, decoder_layers=2, num_attention_heads=2,
        dim_feedforward=16, num_queries=6, **LABELS,
    )  # fmt: skip
    save(telling(Mask2FormerForUniversalSegmentation(config)), folder)
    pictures(folder, "Mask2FormerImageProcessor", size={"shortest_edge": 64, "longest_edge": 128},
             resample=2, size_divisor=32, ignore_index=255, num_labels=4)  # fmt: skip
    return folder


def maskformer(folder: Path) -> Path:
    from transformers import DetrConfig, MaskFormerConfig, SwinConfig
    from transformers import MaskFormerForInstanceSegmentation as Model

    decoder = DetrConfig(
        d_model=32, decoder_layers=1, encoder_layers=1, decoder_ffn_dim=16, encoder_ffn_dim=16,
        decoder_attention_heads=2, encoder_attention_heads=2, num_queries=6,
    )  # fmt: skip
    config = MaskFormerConfig(
        backbone_config=SwinConfig(**SWIN), decoder_config=decoder, fpn_feature_size=32,
        mask_feature_size=32, **LABELS,
    )  # fmt: skip
    save(telling(Model(config)), folder)
    pictures(folder, "MaskFormerImageProcessor", size={"shortest_edge": 64, "longest_edge": 128},
             resample=2, size_divisor=32, ignore_index=255, num_labels=4)  # fmt: skip
    return folder


def oneformer(folder: Path) -> Path:
    from transformers import OneFormerConfig, OneFormerForUniversalSegmentation, SwinConfig

    config = OneFormerConfig(
        backbone_config=SwinConfig(**SWIN), hidden_dim=32, mask_dim=32, conv_dim=32,
        encoder_feedforward_dim=16, encoder_layers=1, decoder_layers=2, num_attention_heads=2,
        dim_feedforward=16, num_queries=6, text_encoder_width=32, text_encoder_num_layers=1,
        text_encoder_vocab_size=VOCABULARY, text_encoder_context_length=12, task_seq_len=12,
        max_seq_len=12, query_dec_layers=1, is_training=False, **LABELS,
    )  # fmt: skip
    save(telling(OneFormerForUniversalSegmentation(config)), folder)
    tokenizer(folder)
    (folder / "processor_config.json").write_text(json.dumps({"task_seq_length": 12}))
    own = {str(n): {"name": name, "isthing": n > 1} for n, name in NAMES.items()}
    (folder / "classes.json").write_text(json.dumps(own))
    pictures(folder, "OneFormerImageProcessor", size={"shortest_edge": 64, "longest_edge": 128},
             resample=2, ignore_index=255, num_labels=4, repo_path=str(folder), num_text=2,
             class_info_file="classes.json")  # fmt: skip
    return folder


def eomt(folder: Path) -> Path:
    from transformers import EomtConfig, EomtForUniversalSegmentation

    config = EomtConfig(
        hidden_size=32, num_hidden_layers=3, num_attention_heads=4, image_size=64, patch_size=8,
        num_blocks=1, num_queries=6, num_register_tokens=1, num_upscale_blocks=1, **LABELS,
    )  # fmt: skip
    save(EomtForUniversalSegmentation(config), folder)
    pictures(folder, "EomtImageProcessor", size={"shortest_edge": 64, "longest_edge": None},
             resample=2, do_split_image=True, do_pad=False, ignore_index=255,
             num_labels=4)  # fmt: skip
    return folder


def clipseg(folder: Path) -> Path:
    from transformers import CLIPSegConfig, CLIPSegForImageSegmentation

    config = CLIPSegConfig(
        text_config={**TEXT, "vocab_size": VOCABULARY, "max_position_embeddings": 24,
                     "eos_token_id": 3, "pad_token_id": 0, "bos_token_id": 2},
        vision_config={**VISION, "num_hidden_layers": 3}, projection_dim=16, reduce_dim=8,
        extract_layers=[0, 1, 2], decoder_num_attention_heads=2, decoder_intermediate_size=16,
        decoder_hidden_size=32, conditional_layer=0,
    )  # fmt: skip
    save(CLIPSegForImageSegmentation(config), folder)
    tokenizer(folder)
    pictures(folder, "ViTImageProcessor", size=SQUARE, resample=2)
    return folder


SAM = {
    "vision_config": {
        "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 64,
        "patch_size": 8, "output_channels": 16, "mlp_dim": 16, "window_size": 4,
        "global_attn_indexes": [1], "num_pos_feats": 8,
    },
    "prompt_encoder_config": {
        "hidden_size": 16, "image_size": 64, "patch_size": 8, "mask_input_channels": 4,
    },
    "mask_decoder_config": {
        "hidden_size": 16, "mlp_dim": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
        "iou_head_hidden_dim": 16,
    },
}  # fmt: skip


def padded(folder: Path) -> None:
    """Save that pictures keep their proportions, with nothing beside them."""
    pictures(folder, "SamImageProcessor", size={"longest_edge": 64}, resample=2, do_pad=True,
             pad_size={"height": 64, "width": 64}, mask_size={"longest_edge": 16},
             mask_pad_size={"height": 16, "width": 16})  # fmt: skip


def sam(folder: Path) -> Path:
    from transformers import SamConfig, SamModel

    save(SamModel(SamConfig(**SAM)), folder)
    padded(folder)
    return folder


def sam_hq(folder: Path) -> Path:
    from transformers import SamHQConfig, SamHQModel

    vision = {**SAM["vision_config"], "hidden_size": 16}
    decoder = {**SAM["mask_decoder_config"], "vit_dim": 16}
    config = SamHQConfig(**{**SAM, "vision_config": vision, "mask_decoder_config": decoder})
    save(SamHQModel(config), folder)
    padded(folder)
    return folder


def sam2(folder: Path) -> Path:
    from transformers import Sam2Config, Sam2Model

    backbone = {
        "hidden_size": 8, "num_attention_heads": 1, "image_size": [64, 64],
        "blocks_per_stage": [1, 1, 2, 1], "embed_dim_per_stage": [8, 16, 32, 64],
        "num_attention_heads_per_stage": [1, 1, 2, 2], "window_size_per_stage": [4, 4, 4, 2],
        "global_attention_blocks": [3], "window_positional_embedding_background_size": [4, 4],
        "query_stride": [2, 2], "patch_stride": [4, 4], "num_query_pool_stages": 3,
    }  # fmt: skip
    config = Sam2Config(
        vision_config={
            "backbone_config": {"model_type": "sam2_hiera_det_model", **backbone},
            "backbone_channel_list": [64, 32, 16, 8], "fpn_hidden_size": 16,
            "backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]],
        },
        prompt_encoder_config={
            "hidden_size": 16, "image_size": 64, "patch_size": 16, "mask_input_channels": 4,
        },
        mask_decoder_config={
            "hidden_size": 16, "mlp_dim": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
            "iou_head_hidden_dim": 16,
        },
    )  # fmt: skip
    save(Sam2Model(config), folder)
    pictures(folder, "Sam2ImageProcessorFast", size={"height": 64, "width": 64}, resample=2)
    return folder


def sam3(folder: Path) -> Path:
    from transformers import Sam3Config, Sam3Model

    small = {"hidden_size": 16, "intermediate_size": 16, "num_attention_heads": 2}
    config = Sam3Config(
        vision_config={
            "backbone_config": {
                "model_type": "sam3_vit_model", **small, "num_hidden_layers": 2, "image_size": 56,
                "patch_size": 14, "pretrain_image_size": 56, "window_size": 2,
                "global_attn_indexes": [1],
            },
            "fpn_hidden_size": 16, "backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]],
        },
        text_config={
            **TEXT, "vocab_size": VOCABULARY, "max_position_embeddings": 24, "projection_dim": 16,
            "eos_token_id": 3, "pad_token_id": 0, "bos_token_id": 2,
        },
        geometry_encoder_config={**small, "num_layers": 1, "roi_size": 3},
        detr_encoder_config={**small, "num_layers": 1},
        detr_decoder_config={**small, "num_layers": 1, "num_queries": 5, "box_rpb_mode": "log"},
        mask_decoder_config={"hidden_size": 16, "num_upsampling_stages": 3,
                             "num_attention_heads": 2},
    )  # fmt: skip
    save(Sam3Model(config), folder)
    tokenizer(folder)
    pictures(folder, "Sam3ImageProcessorFast", size={"height": 56, "width": 56}, resample=2,
             colours=SIGLIP)  # fmt: skip
    return folder
