#!/usr/bin/env python3
"""check_newmodel.py PROGRAM: transformers must load what the model writer writes, without a missing or unexpected tensor, and the
golden weights must be those of an independent formula. PROGRAM is tests/parity/newmodel_main.c, built."""
import json, os, subprocess, sys, tempfile
import numpy as np, torch
from transformers import AutoConfig, GenerationConfig, Qwen2_5_VLForConditionalGeneration

def golden(name, shape):
    h = 0xcbf29ce484222325
    for b in name.encode():
        h = ((h ^ b) * 0x100000001b3) & (2**64 - 1)
    n = int(np.prod(shape))
    with np.errstate(over="ignore"):
        z = np.uint64(h) + np.arange(n, dtype=np.uint64) * np.uint64(0xD1342543DE82EF95) + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    v = 2 * ((z >> np.uint64(40)).astype(np.float64) / 2**24) - 1
    norm = any(k in name for k in ("norm1", "norm2", "ln_q", "layernorm")) or name.endswith("norm.weight")
    if len(shape) == 1:
        v = 1 + 0.25 * v if norm else 0.1 * v
    elif "embed_tokens" not in name:
        v = v * np.sqrt(3.0 / np.prod(shape[1:]))
    return torch.from_numpy(v.astype(np.float32)).to(torch.bfloat16).float().reshape(shape)

def old_name(name):
    return name.replace("model.visual.", "visual.").replace("model.language_model.", "model.")

def main():
    program, failures = sys.argv[1], 0
    cases = [["tiny"], ["tiny", "nested"], ["tiny", "nested", "new", "200000", "bf16"], ["tiny", "700000"], ["small", "bf16", "seed", "3"], ["small", "nested", "seed", "3"]]
    for case in cases:
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([program, case[0], folder] + case[1:], check=True)
            config = AutoConfig.from_pretrained(folder)
            raw = json.load(open(os.path.join(folder, "config.json")))
            want = raw.get("text_config", raw)
            text = config.text_config
            ok = all(getattr(text, k) == want[k] for k in ("hidden_size", "num_hidden_layers", "vocab_size", "intermediate_size", "num_key_value_heads", "rms_norm_eps", "rope_theta"))
            ok &= all(getattr(config.vision_config, k) == raw["vision_config"][k] for k in ("depth", "hidden_size", "fullatt_block_indexes", "window_size", "out_hidden_size"))
            ok &= config.image_token_id == raw["image_token_id"] and text.rope_scaling["mrope_section"] == want["rope_scaling"]["mrope_section"]
            GenerationConfig.from_pretrained(folder)
            model, info = Qwen2_5_VLForConditionalGeneration.from_pretrained(folder, torch_dtype=torch.float32, output_loading_info=True)
            ok &= not info["missing_keys"] and not info["unexpected_keys"] and not info["mismatched_keys"]
            worst = 0.0
            if "seed" not in case:
                for name, value in model.state_dict().items():
                    worst = max(worst, float((value - golden(old_name(name), tuple(value.shape))).abs().max()))
            ok &= worst == 0.0
            failures += not ok
            print("%s %s tensors=%d worst=%g" % ("ok  " if ok else "FAIL", " ".join(case), len(model.state_dict()), worst))
    sys.exit(failures > 0)

main()
