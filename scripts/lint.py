"""Rules that no compiler checks: see CONTRIBUTING.md. Prints each break as file:line: rule."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCES = sorted([*ROOT.glob("src/**/*.[ch]pp"), *ROOT.glob("bench/*.[ch]pp")])

# A module may include only itself and what stands above it in the ladder.
LADDER = ["base", "crypto", "scrub", "http", "domain", "services", "models", "net", "dns", "db", "vault", "audit",
          "docker", "linux", "runtimes", "store", "orchestrator", "egress", "api", "app"]
TOPS = {"orchestrator", "api", "egress"}
# Beast makes a unit slow to compile; domain is pure.
BEAST_HOME = "net"
PURE_FORBIDDEN = re.compile(r"boost/asio|libpq|system_clock|steady_clock|base/task\.hpp")

breaks = []


def report(path, line, rule):
    breaks.append(f"{path.relative_to(ROOT)}:{line}: {rule}")


def statements_with_await(text):
    """Yields (line, statement) for every statement that has a co_await."""
    clean = re.sub(r'"(\\.|[^"\\])*"', '""', text)
    clean = re.sub(r"//[^\n]*", "", clean)
    start = 0
    for match in re.finditer(r"[;{}]", clean):
        statement = clean[start:match.start() + 1]
        if "co_await" in statement:
            lead = len(statement) - len(statement.lstrip())
            yield clean.count("\n", 0, start + lead) + 1, statement.strip()
        start = match.end()


def condition_of(statement):
    """What stands between the parentheses of an if, while or switch; else nothing."""
    match = re.match(r"(?:if|while|switch)\s*\(", statement)
    if not match:
        return ""
    depth = 1
    for at in range(match.end(), len(statement)):
        depth += {"(": 1, ")": -1}.get(statement[at], 0)
        if depth == 0:
            return statement[match.end():at]
    return statement[match.end():]


def check_coroutines(path, text):
    for line, statement in statements_with_await(text):
        awaited = statement[statement.index("co_await"):]
        if re.search(r"\[[^\]]*\]\s*(\([^)]*\))?\s*(mutable\s*)?(->\s*[\w:<>]+\s*)?\{", awaited):
            report(path, line, "a lambda in an expression with co_await: name it, then await it")
        elif statement.endswith("{") and re.search(r"co_await\s+[\w:.>-]+\(.*[\w>]\s*\{$", statement, re.S):
            if not re.match(r"(if|while|for|switch|else)\b", statement):
                report(path, line, "a braced temporary in an expression with co_await: name it first")
        condition = condition_of(statement)
        if "co_await" in condition and not re.match(r"(const\s+)?auto[&\s\[]", condition):
            report(path, line, "co_await inside a condition: await into a local, then test it")


def check_layers(path, text):
    module = path.relative_to(ROOT).parts[1] if path.parts[len(ROOT.parts)] == "src" else None
    if module not in LADDER:
        return
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'#include "(\w+)/', line)
        if not match or match.group(1) not in LADDER or match.group(1) == module:
            continue
        other = match.group(1)
        if LADDER.index(other) > LADDER.index(module) or (other in TOPS and module in TOPS):
            report(path, number, f"layer break: {module} must not include {other}")
    if module != BEAST_HOME and "boost/beast" in text:
        report(path, 1, "only src/net includes Beast")
    if module == "domain" and not path.name.endswith(("_test.cpp", "_bench.cpp")):
        for number, line in enumerate(text.splitlines(), 1):
            if PURE_FORBIDDEN.search(line):
                report(path, number, "domain knows no Asio, no SQL and no clock")


def check_names_and_size(path, text):
    match = re.search(r"\b(class|struct) \w*(Manager|Helper|Util)\b", text)
    if match:
        report(path, text.count("\n", 0, match.start()) + 1, "no Manager, Helper or Util")
    lines = text.count("\n")
    if lines > 500 and not path.name.endswith("_test.cpp"):
        report(path, lines, "over 500 lines: this wants to be two things")
    if re.search(r"asio::detached\b", text) and not path.name.endswith(("_test.cpp", "_fuzz.cpp")):
        if "testing" not in path.parts:
            report(path, 1, "asio::detached: spawn into a TaskGroup")


def main():
    for path in SOURCES:
        text = path.read_text()
        for check in (check_coroutines, check_layers, check_names_and_size):
            check(path, text)
    for line in breaks:
        print(line)
    print(f"{len(SOURCES)} sources, {len(breaks)} breaks")
    sys.exit(1 if breaks else 0)


main()
