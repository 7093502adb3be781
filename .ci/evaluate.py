"""Runs the example `evaluate` (the command is given as arguments) on the quickstart's data: stops it with Ctrl-C, goes on
from there, and recomputes nDCG@10 and RMSE from the files that it writes."""
import collections, csv, glob, json, math, os, signal, subprocess, sys, tempfile, time

TOLERANCE = 1e-4
SHOTS = (0, 1, 5, 20)
METHODS = ("metarec", "popularity_cond", "random", "constant")

cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
data = os.path.join(cache, "metarec", "ml-100k")
values, wrong = {}, []
(path,) = glob.glob(os.path.join(data, "u.data")) or glob.glob(os.path.join(data, "*.inter"))
with open(path, encoding="latin-1") as lines:
    for line in lines:
        user, item, value, _ = line.split("\t")
        if value[0].isdigit():
            values[user, item] = float(value)


def rows(path):
    with open(path, encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def mean(numbers):
    return sum(numbers) / len(numbers)


def dcg(hits):
    return sum(hit / math.log2(place + 2) for place, hit in enumerate(hits))


with tempfile.TemporaryDirectory() as folder:
    results, ranked, rated = (os.path.join(folder, name) for name in ("results.jsonl", "ranked.csv", "rated.csv"))
    command = [*sys.argv[1:], "--data", data, "--methods", ",".join(METHODS)]
    command += ["--json", results, "--predictions", ranked, "--ratings", rated]
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    first = subprocess.Popen([*command, "--restart"], **quiet)
    time.sleep(8)
    first.send_signal(signal.SIGINT)
    said = first.communicate()[1]
    if first.returncode == 0 or "--resume" not in said:
        wrong.append(f"Ctrl-C after 8 s: status {first.returncode}, said {said!r}: expected a failure that names --resume")
    if os.listdir(folder):
        wrong.append(f"Ctrl-C left {os.listdir(folder)}: expected no results")
    subprocess.run([*command, "--resume"], check=True, stdin=subprocess.DEVNULL)
    with open(results, encoding="utf-8") as lines:
        told = {(row["method"], row["metric"], row["k"]): row["mean"] for row in map(json.loads, lines)}
    ranked, rated = rows(ranked), rows(rated)

missing = [method for method in METHODS[:3] if any((method, "ndcg@10", k) not in told for k in SHOTS)]
if missing:
    wrong.append(f"no nDCG@10 of {', '.join(missing)} at some k of {SHOTS}")
for k in SHOTS:
    lists, errors, liked = collections.defaultdict(list), collections.defaultdict(list), collections.defaultdict(set)
    for row in rated:
        if row["k"] == str(k):
            value = values[row["user"], row["item"]]
            errors[row["user"]].append((float(row["rating"]) - value) ** 2)
            if value >= 4:
                liked[row["user"]].add(row["item"])
    for row in ranked:
        if row["k"] == str(k):
            lists[row["user"]].append((-float(row["score"]), row["item"]))
    short = [user for user, items in lists.items() if len(items) != 100 or items != sorted(items, key=lambda item: item[0])]
    if short:
        wrong.append(f"k = {k}: users {short[:3]} have no sorted list of 100 items")
    hits = {user: [item in liked[user] for _, item in lists[user][:10]] for user in liked}
    ours = {
        "ndcg@10": mean([dcg(hits[user]) / dcg([1] * min(10, len(liked[user]))) for user in liked]),
        "rmse": mean([math.sqrt(mean(user)) for user in errors.values()]),
    }
    for metric, found in ours.items():
        said = told["metarec", metric, k]
        print(f"k = {k}: {metric} {said:.5f}, from the files {found:.5f}")
        if not abs(found - said) <= TOLERANCE:
            wrong.append(f"k = {k}: {metric} is {said} in the results and {found} from the files")
if wrong:
    sys.exit("\n".join(wrong))
