"""What PyTorch makes of a prompt with a GGUF file or a folder, beside the example `generate`.

    python generate.py MODEL PROMPT [--tokens N] [--check FILE]

Prints the token ids of the prompt, then the greedy text, then the tokens per second; FILE is what the bench `generate` wrote: the logits of what
follows the prompt, which are compared. Needs transformers and, for GGUF,
gguf. Weights are unpacked to 32-bit floats, as there.
"""

import argparse
import os
import time

import numpy
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("prompt")
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--check")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    where = {"pretrained_model_name_or_path": args.model}
    if args.model.endswith(".gguf"):
        folder, file = os.path.split(args.model)
        where = {"pretrained_model_name_or_path": folder or ".", "gguf_file": file}
    tokenizer = AutoTokenizer.from_pretrained(**where)
    model = AutoModelForCausalLM.from_pretrained(**where, dtype=torch.float32).eval()
    tokens = tokenizer(args.prompt, return_tensors="pt").input_ids
    print(" ".join(str(token) for token in tokens[0].tolist()))
    with torch.no_grad():
        if args.check:
            ours = torch.from_numpy(numpy.fromfile(args.check, dtype="<f4"))
            print(f"# greatest difference of logits: {(ours - model(tokens).logits[0, -1]).abs().max():.1e}")
        began = time.perf_counter()
        found = model.generate(tokens, max_new_tokens=args.tokens, do_sample=False, attention_mask=torch.ones_like(tokens))
        seconds = time.perf_counter() - began
    new = found[0, tokens.shape[1] :]
    print(tokenizer.decode(new, skip_special_tokens=True))
    print(f"# {len(new)} tokens in {seconds:.2f} s: {len(new) / seconds:.1f} a second, {args.threads} threads")


main()
