"""Few combinations that hold every pair of kinds that can be had together."""

import itertools
import random


def _pairs(row):
    return list(itertools.combinations(enumerate(row), 2))


def all_pairs(rows, tries=30):
    """Rows, of all those that are possible, that hold every pair that is in any: greedily, the best of ``tries``.

    allpairspy does the same for kinds that all go together; where a filter says which do, it stops early.
    """
    with_pair = {}
    for row in random.Random(0).sample(rows, len(rows)):
        for pair in _pairs(row):
            held = with_pair.setdefault(pair, [])
            if len(held) < tries:
                held.append(row)
    missing, chosen = dict.fromkeys(with_pair), []
    while missing:
        candidates = with_pair[next(iter(missing))]
        chosen.append(max(candidates, key=lambda row: sum(pair in missing for pair in _pairs(row))))
        for pair in _pairs(chosen[-1]):
            missing.pop(pair, None)
    return chosen
