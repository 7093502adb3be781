"""A server of llama.cpp with a GGUF file, for the example `generate --url`.

    python serve.py MODEL.gguf [--port N] [--threads N] [--f32 FILE]

Prints the address, then, for a prompt on each line of standard input, what llama.cpp goes on with from it greedily and how fast; the server stays until
the input ends. `--f32` first unpacks all weights to 32-bit floats into FILE, so that both compute with the same numbers. Needs xllamacpp (wheels with
llama.cpp in them) and, for `--f32`, gguf.
"""

import argparse
import json
import sys
import urllib.request


def unpack(source, target):
    import gguf
    from gguf.quants import dequantize

    reader = gguf.GGUFReader(source)
    value = lambda field: field.contents()
    writer = gguf.GGUFWriter(target, value(reader.fields["general.architecture"]))
    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name in ("general.architecture", "general.file_type"):
            continue
        kind = field.types[0]
        writer.add_key_value(name, value(field), kind, field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, dequantize(tensor.data, tensor.tensor_type))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--f32", metavar="FILE")
    args = parser.parse_args()
    if args.f32:
        unpack(args.model, args.f32)

    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = args.f32 or args.model
    params.port = args.port
    params.n_parallel = 1
    params.n_ctx = 2048
    params.cpuparams.n_threads = args.threads
    params.cpuparams_batch.n_threads = args.threads
    server = xllamacpp.Server(params)
    print(f"{server.listening_address}/v1", flush=True)
    for line in sys.stdin:
        body = {"prompt": line.rstrip("\n"), "max_tokens": args.tokens, "temperature": 0, "cache_prompt": False}
        request = urllib.request.Request(
            f"{server.listening_address}/v1/completions", json.dumps(body).encode(), {"content-type": "application/json"}
        )
        answer = json.load(urllib.request.urlopen(request))
        print(answer["choices"][0]["text"])
        speed = answer["timings"]["predicted_per_second"]
        print(f"# {answer['timings']['predicted_n']} tokens, {speed:.1f} a second, {args.threads} threads", flush=True)


main()
