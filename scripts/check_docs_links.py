#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that what the documents and their figures name is there: links, headings, files,
and functions by their names in the source."""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FIGURES = "docs/figures/"
LINK = re.compile(r"\]\(([^)\s]+)\)")
FILE = re.compile(r"`([a-z_0-9]+(?:/[\w.-]+)+\.(?:h|cc|c|py|sh|md|toml|inc))`")
CODE = re.compile(r"`[^`\n]+`|class=\"m\"[^>]*>[^<]+|<text [^>]*>[^<]+")
FUNCTION = re.compile(r"\b([A-Z]\w+)::([a-z]\w+)\b")


def tracked(*patterns):
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns], cwd=ROOT,
                            stdout=subprocess.PIPE, text=True, check=True)
    return [ROOT / name for name in sorted(set(listed.stdout.split())) if (ROOT / name).exists()]


def without_blocks(text):
    """What is not an example: blocks are checked by tests/system/docs_test.py."""
    return re.sub(r"^```.*?^```$|^    [^\n]*$", "", text, flags=re.M | re.S)


def anchors(document):
    """The names that GitHub gives to headings."""
    headings = re.findall(r"^#+ (.+)$", without_blocks(document.read_text()), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def missing_links(document, text):
    for target in LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (document.parent / path).resolve() if path else document
        if not file.exists():
            yield f"no file for the link {target}"
        elif anchor and anchor not in anchors(file):
            yield f"no heading for the link {target}"


def missing_functions(text, source):
    """`Path::run` needs a class Path, and a function run that is declared or called."""
    for type_name, function in sorted({found for code in CODE.findall(text) for found in FUNCTION.findall(code)}):
        if not re.search(rf"\b(?:class|struct) (?:\S+ )?{type_name}\b", source) or not re.search(rf"\b{function}\(", source):
            yield f"the source has no {type_name}::{function}()"


def complaints(document, source):
    text = document.read_text()
    prose = without_blocks(text) if document.suffix == ".md" else text
    yield from missing_links(document, prose)
    yield from (f"no file {name}" for name in FILE.findall(prose) if not (ROOT / name).exists())
    yield from missing_functions(prose, source)


def main():
    documents = tracked("*.md", f"{FIGURES}*.svg")
    source = "\n".join(file.read_text() for file in tracked("*.h", "*.cc"))
    found = [f"{document.relative_to(ROOT)}: {c}" for document in documents for c in complaints(document, source)]
    linked = {(d.parent / target).resolve() for d in documents for target in LINK.findall(d.read_text())}
    found += [f"{d.relative_to(ROOT)}: no document shows it" for d in documents if d.suffix == ".svg" and d not in linked]
    print("\n".join(found) if found else f"{len(documents)} documents and figures name what is there")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
