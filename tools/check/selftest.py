#!/usr/bin/env python3
"""Shows that every rule of lint.py can fail: a small tree that passes, then one change at a time that must not."""
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
GOOD = {
    'src/layers.txt': '# folders\nbase:\nexec: base\n',
    'src/base/one.h': '#pragma once\n/* One. */\nint one(int a);\n',
    'src/base/one.c': '#include "base/one.h"\n\n#include <stdlib.h>\n\nint one(int a)\n{\n    free(NULL);\n    return MAX(a, 1);\n}\n',
    'src/exec/two.c': '/* Two: "sprintf(" in a text is no call. */\n\n#include "base/one.h"\n\nint two(void)\n{\n    return one(2);\n}\n',
    'tools/check/sizes.txt': '',
}
LONG = '/* Long. */\nint f(void)\n{\n' + '    g();\n' * 120 + '}\n'
BAD = {
    'layers': ('src/base/bad.c', '/* Bad. */\n#include "exec/two.h"\n'),
    'layers ': ('src/other/bad.c', '/* Bad. */\n'),
    'internal-header': ('src/exec/bad.c', '/* Bad. */\n#include "base/one_int.h"\n'),
    'include-path': ('src/exec/bad.c', '/* Bad. */\n#include "one.h"\n'),
    'own-header': ('src/base/one.c', '/* Bad. */\n#include <stdio.h>\n\n#include "base/one.h"\n'),
    'pragma-once': ('src/base/bad.h', '/* Bad. */\nint x;\n'),
    'head-comment': ('src/base/bad.c', 'int x;\n'),
    'banned-call': ('src/base/bad.c', '/* Bad. */\nint f(char *a)\n{\n    return sprintf(a, "");\n}\n'),
    'allocation': ('src/exec/bad.c', '/* Bad. */\nvoid f(void)\n{\n    free(malloc(1));\n}\n'),
    'min-max': ('src/exec/bad.c', '/* Bad. */\nint f(void)\n{\n    return MIN(next(), 1);\n}\n'),
    'cleanup': ('src/exec/bad.c', '/* Bad. */\nint f(int a)\n{\n    AUTO_ARENA arena;\n    if (a)\n        return 1;\n    arena_init(&arena, NULL);\n    return 0;\n}\n'),
    'min-max ': ('src/exec/bad.c', '/* Bad. */\nint f(int a)\n{\n    return MAX(a++, 1);\n}\n'),
    'format': ('src/exec/bad.c', '/* Bad. */\nint f(void) {\n    return 1;\n}\n'),
    'format ': ('src/exec/bad.c', '/* Bad. */ \n'),
    'format  ': ('src/exec/bad.c', '/* Bad. */\n\tint x;\n'),
    'format   ': ('src/exec/bad.c', '/* Bad. */'),
    'later': ('src/exec/bad.c', '/* Bad. TO' + 'DO: more. */\n'),
    'place': ('src/exec/bad.c', '/* Bad: /ho' + 'me/somebody/x. */\n'),
    'size': ('src/exec/bad.c', LONG),
    'size ': ('src/exec/bad.c', '/* Bad. */\n' + 'int x;\n' * 1600),
    'size  ': ('src/exec/bad.c', '/* Bad. */\nint ' + 'x' * 200 + ';\n'),
    'size   ': ('src/exec/one.c', '/* A namesake. */\n'),
    'size    ': ('tools/check/sizes.txt', 'function src/exec/gone.c f 120\n'),
}


def run(files):
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(root, path), 'w', encoding='utf-8') as file:
                file.write(text)
        return subprocess.run([sys.executable, os.path.join(HERE, 'lint.py'), root], capture_output=True, text=True, check=False)


failures = []
result = run(GOOD)
if result.returncode != 0 or result.stdout:
    failures.append(f'the good tree fails:\n{result.stdout}{result.stderr}')
for rule, (path, text) in BAD.items():
    result = run({**GOOD, path: text})
    if result.returncode != 1 or f': {rule.strip()}: ' not in result.stdout or 'Traceback' in result.stderr:
        failures.append(f'{rule.strip()} does not fail:\n{result.stdout}{result.stderr}')
for failure in failures:
    print(failure)
print(f'{len(BAD) + 1 - len(failures)} passed, {len(failures)} failed')
sys.exit(1 if failures else 0)
