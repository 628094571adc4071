#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""For t/dma-bench-measures.sh: what `iommuctl --json dma bench` wrote, as TAP.

dma_bench_documents.py ADDRESS BACKEND…

Reads, for each backend, BACKEND.all (all sizes), BACKEND.some (7 rounds of 8K to 2M), and BACKEND.SIGNAL for each signal
that cut it short, from the current folder; and `kept` and `limited`. How long anything took is never judged.
"""
import json
import pathlib
import sys

K, M, G = 1 << 10, 1 << 20, 1 << 30
tests = 0


def check(what, got, wanted):
    global tests
    tests += 1
    print(f"{'ok' if got == wanted else 'not ok'} {tests} - {what}")
    if got != wanted:
        print(f"# got:    {got}\n# wanted: {wanted}")


def sizes(points):
    return [(point["size"], point["page_size"]) for point in points]


def wrong(result):
    """What does not fit together in the times of a result."""
    for name in ("map", "unmap"):
        t, bars = result[name], result[name]["histogram"]
        rising = [0, t["min_ns"], t["median_ns"], t["p90_ns"], t["p99_ns"], t["max_ns"]]
        if rising != sorted(rising) or t["min_ns"] <= 0:
            yield f"{name}: percentiles do not rise: {rising}"
        if abs(t["per_gib_ns"] - t["median_ns"] * G / result["size"]) > 1:
            yield f"{name}: {t['per_gib_ns']} ns a GiB of a median of {t['median_ns']}"
        if sum(bar["count"] for bar in bars) != result["rounds"]:
            yield f"{name}: the histogram does not hold {result['rounds']} rounds"
        if [bar["to_ns"] for bar in bars[:-1]] != [bar["from_ns"] for bar in bars[1:]]:
            yield f"{name}: the histogram has gaps"
        for bar, value in ((bars[0], t["min_ns"]), (bars[-1], t["max_ns"])):
            if not bar["from_ns"] <= value < bar["to_ns"] or bar["count"] == 0:
                yield f"{name}: {value} is not in {bar}"


def consistent(document):
    return [f"{result['size']}/{result['page_size']}: {text}" for result in document["results"] for text in wrong(result)]


def check_all(address, backend, document):
    check(f"{backend}: the document's keys", list(document), ["schema_version", "address", "backend", "stopped_by", "results", "skipped"])
    check(f"{backend}: what and how", [document[key] for key in list(document)[:4]], [1, address, backend, None])
    small = [(size, 4 * K) for size in (4 * K, 32 * K, 256 * K, 2 * M, 16 * M, 128 * M, G)]
    huge = [(size, 2 * M) for size in (2 * M, 16 * M, 128 * M, G)]
    check(f"{backend}: each size from 4 KiB to 1 GiB is measured or passed over",
          sorted(sizes(document["results"] + document["skipped"])), sorted(small + huge + [(G, G)]))
    check(f"{backend}: measured is what this machine's memory has room for", sizes(document["results"]), small[:-1] + huge[:2])
    reasons = {(s["size"], s["page_size"]): s["reason"] for s in document["skipped"]}
    check(f"{backend}: too few huge pages is the reason for the others",
          "need 64 hugepages of 2048 KiB and 16 are free" in reasons.get((128 * M, 2 * M), ""), True)
    check(f"{backend}: and so is too little memory", "KiB of memory and" in reasons.get((G, 4 * K), ""), True)
    check(f"{backend}: percentiles rise, and histograms hold each round", consistent(document), [])


def check_some(backend, document):
    check(f"{backend}: just the sizes, pages and rounds asked for",
          [(r["size"], r["page_size"], r["rounds"]) for r in document["results"]],
          [(size, 4 * K, 7) for size in (8 * K, 64 * K, 512 * K, 2 * M)] + [(2 * M, 2 * M, 7)])
    check(f"{backend}: and nothing else", (document["skipped"], consistent(document)), ([], []))


def check_cut(backend, signal, document):
    check(f"{backend}: {signal} ends it", document["stopped_by"], signal)
    check(f"{backend}: with what was measured until then", (sizes(document["results"]), consistent(document)), ([(2 * M, 4 * K)], []))
    check(f"{backend}: and the rest is told", document["skipped"],
          [{"size": 16 * M, "page_size": 4 * K, "reason": f"stopped by {signal}"}])


def main():
    documents = {path.name: json.loads(path.read_text()) for path in pathlib.Path().iterdir() if path.stat().st_size}
    for backend in sys.argv[2:]:
        check_all(sys.argv[1], backend, documents[f"{backend}.all"])
        check_some(backend, documents[f"{backend}.some"])
        for name in sorted(documents):
            if name.startswith(f"{backend}.SIG"):
                check_cut(backend, name.partition(".")[2], documents[name])
    check("a SIGHUP that was ignored from the start cuts nothing short", documents["kept"]["stopped_by"], None)
    check("with little locked memory the small sizes are measured", sizes(documents["limited"]["results"]), [(4 * K, 4 * K), (32 * K, 4 * K)])
    check("and the limit is the reason for the rest",
          "need 256 KiB of locked memory and 64 KiB may be locked" in documents["limited"]["skipped"][0]["reason"], True)
    print(f"1..{tests}")


main()
