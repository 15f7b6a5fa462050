"""Ways to damage the folder of a run."""

import json
import os
import shutil

PARAMETERS, CONFIG, STATUS = "model.params", "config.json", "status.json"
VALUES = (None, True, -1, 0, 1, 3, 2**31, 10**18, 1e300, 0.5, "", "tanh", "gaussian", "\udcff", "x" * 5000, [], [3], [[1]],
          {}, {"a": 1}, [-1, 0], "../binary.npy", "C:\\Users\\me\\a.npy")  # fmt: skip
LITERALS = (
    "NaN",
    "Infinity",
    "-Infinity",
    "1e999",
    "[" * 100000,
    "9" * 5000,
    "{",
    "nul",
    '"\\ud800"',
    '{"a": 1, "a": 2}',
)


def tamper(run, other, rng):
    """Damage one file of a run, and return in a few words how. ``other`` is another run's folder."""
    checkpoints = [f"checkpoints/{path.name}" for path in sorted((run / "checkpoints").glob("*"))]
    others = ["result.json", "metrics.jsonl", STATUS, "lock", *checkpoints]
    name = str(rng.choice([CONFIG, CONFIG, CONFIG, CONFIG, PARAMETERS, PARAMETERS, PARAMETERS, *others]))
    path = run / name
    if not path.is_file():
        return f"{name} is no file any more"
    ways = [_truncate, _empty, _remove, _folder, _garbage, _other, _loop, _flip, _link_to_nowhere]
    ways += [_field, _field, _field, _field, _literal, _literal, _json] * (name == CONFIG)
    ways += [_field, _literal, _json] * (name == STATUS)
    ways += [_header, _header, _poison] * (name == PARAMETERS)
    way = ways[rng.integers(len(ways))]
    try:
        return f"{name}: {way.__name__[1:]} {way(path, other, rng) or ''}"[:200]
    except (ValueError, RecursionError):  # its JSON was damaged before
        return f"{name}: {_empty.__name__[1:]} {_empty(path, other, rng) or ''}"


def _truncate(path, other, rng):
    content = path.read_bytes()
    path.write_bytes(content[: rng.integers(len(content) + 1)])


def _empty(path, other, rng):
    path.write_bytes(b"")


def _remove(path, other, rng):
    path.unlink()


def _folder(path, other, rng):
    path.unlink()
    path.mkdir()


def _garbage(path, other, rng):
    path.write_bytes(rng.bytes(rng.integers(1, 3000)))


def _other(path, other, rng):
    theirs = other / path.name if path.parent.name != "checkpoints" else next((other / "checkpoints").glob("*"))
    shutil.copy(theirs, path)
    return other.name


def _loop(path, other, rng):
    path.unlink()
    os.symlink(path.name, path)


def _link_to_nowhere(path, other, rng):
    path.unlink()
    os.symlink(["/dev/null", "/dev/zero", "nowhere", "/"][rng.integers(4)], path)


def _flip(path, other, rng):
    content = bytearray(path.read_bytes())
    for _ in range(rng.integers(1, 4)):
        if content:
            content[rng.integers(len(content))] ^= 1 << rng.integers(8)
    path.write_bytes(bytes(content))


def _header(path, other, rng):
    """A number of 4 or 8 bytes near the start or the end becomes another."""
    content = bytearray(path.read_bytes())
    size = int(rng.choice([4, 8]))
    place = int(rng.integers(100)) if rng.random() < 0.7 else int(rng.integers(len(content) - 8))
    value = [0, 1, 2**31 - 1, 2**32 - 1, 2**33, 2**40, 2**60, 2**63][rng.integers(8)]
    content[place : place + size] = (value % 256**size).to_bytes(size, "little")
    path.write_bytes(bytes(content))
    return f"{value} at {place}"


def _poison(path, other, rng):
    """A parameter becomes NaN, infinite or huge."""
    content = bytearray(path.read_bytes())
    bits = [0x7FC00000, 0x7F800000, 0xFF800000, 0x7F7FFFFF][rng.integers(4)]
    content[64:68] = bits.to_bytes(4, "little")
    path.write_bytes(bytes(content))
    return f"{bits:x}"


def _json(path, other, rng):
    path.write_text(json.dumps(VALUES[rng.integers(len(VALUES))]))


def _field(path, other, rng):
    """A field, at any depth, gets another value, or goes, or comes."""
    config = json.loads(path.read_text())
    if not (config and isinstance(config, dict)):
        raise ValueError("it has no fields")
    inside, key = config, ""
    while isinstance(inside, dict) and inside:
        parent, key = inside, list(inside)[rng.integers(len(inside))]
        inside = parent[key]
        if rng.random() < 0.4:
            break
    change = rng.random()
    if change < 0.15:
        del parent[key]
    elif change < 0.25:
        parent["new"] = 1
    else:
        parent[key] = VALUES[rng.integers(len(VALUES))]
    path.write_text(json.dumps(config))
    return f"{key} = {str(parent.get(key, 'gone'))[:40]!r}"


def _literal(path, other, rng):
    """The value of a field becomes what JSON has not, or what is hard to read."""
    text = path.read_text()
    places = [at for at, letter in enumerate(text) if letter == ":"]
    at = places[rng.integers(len(places))]
    literal = LITERALS[rng.integers(len(LITERALS))]
    rest = text[at + 1 :].lstrip()
    try:
        _, end = json.JSONDecoder().raw_decode(rest)
    except ValueError:
        end = 0
    path.write_text(text[: at + 1] + literal + rest[end:])
    return literal[:20]
