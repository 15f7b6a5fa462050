"""Few combinations that hold every pair of kinds that can be had together."""

import itertools
import random


def _pairs(row):
    return list(itertools.combinations(enumerate(row), 2))


def all_pairs(rows, tries=30):
    """Rows, of all those that are possible, that hold every pair that is in any: greedily, the best of a few tries.

    allpairspy does the same for kinds that all go together; where a filter says which do, it stops early.
    """
    draw, with_pair = random.Random(0), {}
    for row in rows:
        for pair in _pairs(row):
            with_pair.setdefault(pair, []).append(row)
    missing, chosen = dict.fromkeys(with_pair), []
    while missing:
        candidates = draw.choices(with_pair[next(iter(missing))], k=tries)
        chosen.append(max(candidates, key=lambda row: sum(pair in missing for pair in _pairs(row))))
        for pair in _pairs(chosen[-1]):
            missing.pop(pair, None)
    return chosen
