"""The code and the commands in Markdown documents."""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
GUIDE = sorted((ROOT / "docs" / "guide").glob("*.md"))


class Snippet(NamedTuple):
    """A block of code of a document."""

    path: Path
    number: int
    code: str

    def __str__(self):
        return f"{self.path.stem} {self.number}"

    def run(self, epochs=None):
        """Run it, with fewer epochs where asked, and return its names."""
        code = self.code if epochs is None else re.sub(r"\bepochs=\d+", f"epochs={epochs}", self.code)
        names = {"__name__": "document"}
        exec(compile(code, f"{self.path.name}, snippet {self.number}", "exec"), names)
        return names


def blocks(path, language):
    """The contents of all blocks of code in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", path.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def snippets(path):
    return [Snippet(path, number, code) for number, code in enumerate(blocks(path, "python"))]


def section(path, title):
    """The text under a heading of the second level."""
    return path.read_text(encoding="utf-8").split(f"\n## {title}\n")[1].split("\n## ")[0]


def commands(path):
    """The arguments of every command ``gluonvae ...`` in blocks and in lines."""
    lines = [line for block in blocks(path, "sh") for line in block.splitlines()]
    lines += re.findall(r"`([^`\n]+)`", path.read_text(encoding="utf-8"))
    found = (re.search(r"(?:^|/bin/|-m )gluonvae ((?!-m).+)$", line) for line in lines)
    return [match[1].split() for match in found if match]
