"""Runs the main example (the command is given as arguments) and holds its results to what the README promises."""
import json, os, resource, subprocess, sys, tempfile, time

SECONDS, GIGABYTES = 180, 2
OURS = "metarec"
METRICS = {"ndcg@10", "recall@20", "precision@10", "f1@10", "accuracy", "rmse"}

with tempfile.TemporaryDirectory() as folder:
    results, plot = os.path.join(folder, "results.jsonl"), os.path.join(folder, "results.svg")
    began = time.monotonic()
    command = [*sys.argv[1:], "--", "--json", results, "--plot", plot]
    said = subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True).stdout
    print(said)
    seconds = time.monotonic() - began
    with open(results, encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    picture = os.path.getsize(plot)

wrong = []
gigabytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20  # of kilobytes
print(f"took {seconds:.0f} s, {gigabytes:.2f} GB at its largest")
if seconds >= SECONDS:
    wrong.append(f"took {seconds:.0f} s, expected less than {SECONDS}")
if gigabytes >= GIGABYTES:
    wrong.append(f"used {gigabytes:.2f} GB, expected less than {GIGABYTES}")
if picture == 0:
    wrong.append("the plot is empty")
missing = METRICS - {row["metric"] for row in rows if row["method"] == OURS}
if missing:
    wrong.append(f"no {', '.join(sorted(missing))} of {OURS}")
missing = {"random", "constant"} - {row["method"] for row in rows}
if missing:
    wrong.append(f"no rows of {', '.join(sorted(missing))}")
# Paired by user, at every k and for every metric shown: nowhere significantly worse than any baseline.
head, _, paired = said.partition("against the others, paired by user")
paired = paired.partition("\n\n")[0].splitlines()[2:]
if len(paired) < 4:
    wrong.append("no table of paired differences was printed")
wrong.extend(f"significantly worse than a baseline: {line.strip()}" for line in paired if "-" in line.split()[1:])
for k in (1, 5, 20):
    means = {row["method"]: row["mean"] for row in rows if row["metric"] == "ndcg@10" and row["k"] == k}
    ours = means.pop(OURS, float("nan"))
    best = max(means, key=means.get, default=None)
    if best is None or not ours > means[best]:
        wrong.append(f"nDCG@10 at k = {k}: {OURS} {ours}, best baseline {best} {means.get(best)}: expected {OURS} above it")
    else:
        print(f"nDCG@10 at k = {k}: {OURS} {ours:.4f}, best baseline {best} {means[best]:.4f}")
if wrong:
    sys.exit("\n".join(wrong))
