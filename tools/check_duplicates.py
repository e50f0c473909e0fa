#!/usr/bin/env python
"""Code that is written twice: runs of statements and whole functions that differ in names at most.

    python tools/check_duplicates.py [FOLDER]     exit code 1 and both places, where there is any

Compared are syntax trees of src/calotype, without docstrings and annotations, names replaced by the order in which they
appear. What is excused stands in EXCUSED with its reason.
"""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NODES = 90  # of a run of statements that is worth a name of its own; about seven lines
STATEMENTS = 2  # of a run
# (one file, other file): why both may have it
EXCUSED: dict[tuple[str, str], str] = {}


class _Anonymous(ast.NodeTransformer):
    """Names become numbers in order of appearance; annotations and docstrings go. Attributes and constants stay."""

    def __init__(self) -> None:
        self.numbers: dict[str, str] = {}

    def _number(self, name: str) -> str:
        return self.numbers.setdefault(name, f"n{len(self.numbers)}")

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(self._number(node.id), node.ctx)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        return ast.arg(self._number(node.arg), None)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        value = self.visit(node.value) if node.value else ast.Constant(None)
        return ast.Assign([self.visit(node.target)], value)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        body = [self.visit(statement) for statement in node.body if not _is_text(statement)]
        return ast.FunctionDef("f", self.visit(node.args), body or [ast.Pass()], [], None)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _bodies(tree: ast.AST) -> Iterator[list[ast.stmt]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef):
            continue  # imports, fields and data are alike without being code
        for field in ("body", "orelse", "finalbody"):
            body = getattr(node, field, None)
            if isinstance(body, list):
                yield [statement for statement in body if not _is_text(statement)]


def runs(tree: ast.AST) -> Iterator[tuple[str, int, int]]:
    """(fingerprint, first line, last line) of every run of statements that is long enough, and no longer than needed."""
    for body in _bodies(tree):
        sizes = [sum(1 for _ in ast.walk(statement)) for statement in body]
        for first in range(len(body)):
            size = 0
            for last in range(first, len(body)):
                size += sizes[last]
                if size >= NODES and (last - first + 1 >= STATEMENTS or isinstance(body[last], ast.FunctionDef)):
                    part = body[first : last + 1]
                    yield _fingerprint(part), part[0].lineno, part[-1].end_lineno or part[-1].lineno
                    break


def _fingerprint(part: list[ast.stmt]) -> str:
    anonymous = _Anonymous()
    copies = [ast.parse(ast.unparse(statement)).body[0] for statement in part]
    said = "\n".join(ast.dump(anonymous.visit(copy)) for copy in copies)
    return hashlib.sha256(said.encode()).hexdigest()


def twins(folder: Path) -> list[str]:
    """One line for each pair of places."""
    known: dict[str, tuple[Path, int, int]] = {}
    found, spent = [], dict[tuple[Path, Path], int]()
    for path in sorted(folder.rglob("*.py")):
        for fingerprint, first, last in runs(ast.parse(path.read_text(encoding="utf-8"))):
            before = known.setdefault(fingerprint, (path, first, last))
            if before[:2] == (path, first) or (before[0].name, path.name) in EXCUSED:
                continue
            if spent.get((before[0], path), -1) >= first:
                continue  # the next window of the same passage
            spent[before[0], path] = last
            names = before[0].relative_to(folder), path.relative_to(folder)
            found.append(f"{names[0]}:{before[1]}-{before[2]} and {names[1]}:{first}-{last}")
    return found


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "src" / "calotype"
    found = twins(folder)
    print("".join(f"written twice: {line}\n" for line in found), end="")
    sys.exit(bool(found))
