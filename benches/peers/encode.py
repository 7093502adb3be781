"""How fast PyTorch turns the titles of a data set into vectors, beside `cargo bench --bench encode`.

    python encode.py MODEL ITEMS.CSV [VECTORS] [--threads N]

MODEL is the folder of an encoder, ITEMS.CSV the items of a data set in the neutral format, VECTORS what the bench wrote of the same data. Needs sentence-transformers; batches are
sorted by length, as there.
"""

import argparse
import csv
import statistics
import time

import numpy
import torch
from sentence_transformers import SentenceTransformer


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("items")
    parser.add_argument("vectors", nargs="?")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    model = SentenceTransformer(args.model, device="cpu")
    titles = [row["title"] or row["item"] for row in csv.DictReader(open(args.items, encoding="utf-8"))]
    model.encode(titles[:64])
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        theirs = model.encode(titles, batch_size=64)
        seconds.append(time.perf_counter() - began)
    median = statistics.median(seconds)
    print(f"{len(titles)} texts in {median:.3f} s (median of 5), {args.threads} threads: {len(titles) / median:.0f} a second")
    if args.vectors:
        ours = numpy.fromfile(args.vectors, dtype="<f4").reshape(len(titles), -1)
        print(f"greatest difference over {len(titles)} titles: {numpy.abs(ours - theirs).max():.1e}")


main()
