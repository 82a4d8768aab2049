#!/usr/bin/env python3
"""What the compilers do not check. Usage: tools/check/lint.py [--shrink] [ROOT]

Prints file:line: rule: what, and ends with 1 when there is any. tools/check/README.md says what each rule is for.
tools/check/sizes.txt lists files and functions that are longer than allowed: an entry may only shrink.
"""
import os
import re
import subprocess
import sys

FUNCTION_LINES, FILE_LINES, LINE_COLUMNS = 100, 1500, 160
BANNED = {
    'strcpy': 'memcpy with a length, or ByteBuf', 'strcat': 'ByteBuf', 'sprintf': 'snprintf or bytebuf_printf',
    'vsprintf': 'vsnprintf', 'gets': 'fgets', 'strtok': 'StrView', 'atoi': 'strtol', 'atol': 'strtol', 'atoll': 'strtoll',
    'atof': 'strtod', 'alloca': 'an arena', 'rand': 'env_random', 'srand': 'env_random', 'localtime': 'types/datetime.h',
    'gmtime': 'types/datetime.h', 'asctime': 'types/datetime.h', 'ctime': 'types/datetime.h', 'system': 'posix_spawn',
    'tmpnam': 'mkstemp', 'mktemp': 'mkstemp',
}
ALLOCATION = {'malloc', 'calloc', 'realloc', 'free', 'strdup', 'strndup', 'pthread_create'}
# Words with parentheses that cost nothing and do nothing when they are evaluated twice.
FREE_IN_MACROS = {'sizeof', 'COUNT_OF', 'MIN', 'MAX', 'alignof', '_Alignof', 'INT64_C', 'UINT64_C', 'strview_n', 'STR_VIEW'}
PLACES = re.compile(r'(?<![\w.])/(work|home|root|tmp/(?!merak)\w+)/\w')
LATER = re.compile(r'\b(TODO|FIXME|XXX|HACK)\b')

problems = []


def problem(path, line, rule, text):
    problems.append(f'{path}:{line}: {rule}: {text}')


def without_comments(text):
    """Comments, strings and characters become blanks; line numbers stay."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
    return pattern.sub(lambda m: re.sub(r'[^\n]', ' ', m.group(0)), text)


def read_layers(root):
    layers = {}
    for line in open(os.path.join(root, 'src/layers.txt'), encoding='utf-8'):
        if ':' in line and not line.startswith('#'):
            folder, allowed = line.split(':')
            layers[folder] = set(allowed.split()) | {folder}
    return layers


def check_includes(path, text, layers):
    parts = path.split('/')
    if parts[0] != 'src' or len(parts) < 3:
        return
    folder = parts[1]
    if folder not in layers:
        problem(path, 1, 'layers', f'the folder {folder} is not in src/layers.txt')
        return
    for number, line in enumerate(text.split('\n'), 1):
        match = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        if not match:
            continue
        target = match.group(1).split('/')[0]
        if '/' not in match.group(1):
            problem(path, number, 'include-path', f'"{match.group(1)}": name it from src/')
        elif target not in layers[folder]:
            problem(path, number, 'layers', f'{folder} may not include {match.group(1)}')
        elif re.search(r'_int\.h$', match.group(1)) and target != folder:
            problem(path, number, 'internal-header', f'{match.group(1)} is for its own folder')


def check_own_header(path, text):
    if not path.startswith('src/') or not path.endswith('.c'):
        return
    own = path[len('src/'):-1] + 'h'
    includes = re.findall(r'^\s*#\s*include\s+([<"][^>"]+[>"])', text, re.M)
    if f'"{own}"' in includes and includes[0] != f'"{own}"':
        problem(path, 1, 'own-header', f'"{own}" comes first')


def check_head(path, text):
    lines = text.split('\n')
    if path.endswith('.h') and not path.endswith('.inc.h') and '#pragma once' not in lines[:3]:
        problem(path, 1, 'pragma-once', 'a header starts with #pragma once')
    own = f'#include "{path[4:-1]}h"'
    head = [line for line in lines[:25] if line.startswith('/*') or line.startswith('//')]
    if not head and own not in lines[:3]:
        problem(path, 1, 'head-comment', 'a file starts with what it is for')


def check_calls(path, code):
    for number, line in enumerate(code.split('\n'), 1):
        for name in re.findall(r'(?<![\w.>])([a-z_]\w*)\s*\(', line):
            if name in BANNED:
                problem(path, number, 'banned-call', f'{name}(): use {BANNED[name]}')
            elif name in ALLOCATION and path.startswith('src/') and not path.startswith('src/base/'):
                problem(path, number, 'allocation', f'{name}() outside src/base')


def macro_arguments(code, start):
    depth = 0
    for i in range(start, len(code)):
        depth += (code[i] == '(') - (code[i] == ')')
        if depth == 0:
            return code[start + 1:i]
    return ''


def check_min_max(path, code):
    for match in re.finditer(r'\b(MIN|MAX)\(', code):
        arguments = macro_arguments(code, match.end() - 1)
        number = code.count('\n', 0, match.start()) + 1
        if re.search(r'\+\+|--', arguments):
            problem(path, number, 'min-max', f'{match.group(1)} evaluates its arguments twice: ++ or -- inside')
        for name in re.findall(r'\b([a-zA-Z_]\w*)\s*\(', arguments):
            if name not in FREE_IN_MACROS and not name.isupper():
                problem(path, number, 'min-max', f'{match.group(1)} evaluates its arguments twice: {name}() inside')


def check_cleanup(path, code):
    """What is cleaned up at a return was begun before it: a declaration without a value is not followed by a return first."""
    lines = code.split('\n')
    for number, line in enumerate(lines):
        match = re.match(r'\s+(?:AUTO_[A-Z]+ (\w+)|[\w ]+?\*?(\w+) CLEANUP\(\w+\));', line)
        if not match:
            continue
        name = match.group(1) or match.group(2)
        for later, text in enumerate(lines[number + 1:], number + 2):
            if re.search(rf'\b{name}\b', text) or text.startswith('}'):
                break
            if re.search(r'\breturn\b|\b[A-Z_]*TRY\(', text):
                problem(path, later, 'cleanup', f'{name} is not begun yet, and will be cleaned up')
                break


def check_text(path, raw):
    if raw and not raw.endswith('\n'):
        problem(path, raw.count('\n') + 1, 'format', 'no newline at the end')
    for number, line in enumerate(raw.split('\n'), 1):
        if line != line.rstrip():
            problem(path, number, 'format', 'blanks at the end of the line')
        if '\t' in line:
            problem(path, number, 'format', 'a tab')
        if LATER.search(line):
            problem(path, number, 'later', 'finish it, or file an issue')
        if PLACES.search(line):
            problem(path, number, 'place', "a path of somebody's machine")
    for number, line in enumerate(raw.split('\n'), 1):
        if re.match(r'(?:[a-zA-Z_].*\))\s*\{$', line) and not re.match(r'(typedef|struct|enum|union|static const|const)\b|.*=', line):
            problem(path, number, 'format', 'the brace of a function has its own line')


def long_things(path, raw):
    """(key, size) of what is longer than it may be."""
    lines = raw.split('\n')
    if len(lines) > FILE_LINES:
        yield f'file {path}', len(lines)
    start, name, columns = None, None, 0
    for number, line in enumerate(lines):
        columns = max(columns, len(line))
        if line == '{':
            start, name = number, None
            for back in range(number - 1, max(number - 12, -1), -1):
                match = re.match(r'[a-zA-Z_].*?(\w+)\(', lines[back])
                if match:
                    name = match.group(1)
                    break
        elif line.startswith('}') and start is not None:
            if number - start + 1 > FUNCTION_LINES:
                yield f'function {path} {name}', number - start + 1
            start = None
    if columns > LINE_COLUMNS:
        yield f'columns {path}', columns


def read_sizes(path):
    allowed = {}
    for line in open(path, encoding='utf-8') if os.path.exists(path) else []:
        if line.strip() and not line.startswith('#'):
            key, size = line.rsplit(None, 1)
            allowed[key] = int(size)
    return allowed


def check_sizes(root, found, shrinks):
    path = os.path.join(root, 'tools/check/sizes.txt')
    allowed = read_sizes(path)
    if shrinks:
        allowed = {key: min(size, found[key]) for key, size in allowed.items() if key in found}
        with open(path, 'w', encoding='utf-8') as file:
            file.write('# What is longer than it may be. An entry may shrink or go: tools/check/lint.py --shrink.\n')
            file.writelines(f'{key} {size}\n' for key, size in sorted(allowed.items()))
    for key, size in sorted(found.items()):
        if key not in allowed:
            problem(key.split()[1], 1, 'size', f'{key}: {size} is too much')
        elif size > allowed[key]:
            problem(key.split()[1], 1, 'size', f'{key}: {size}, and only {allowed[key]} is allowed')
    for key in sorted(allowed):
        if found.get(key, 0) < allowed[key]:
            problem('tools/check/sizes.txt', 1, 'size', f'{key} has shrunk: tools/check/lint.py --shrink')


def list_files(root):
    listed = subprocess.run(['git', '-C', root, 'ls-files', '-co', '--exclude-standard'], capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        return [f for f in listed.stdout.split('\n') if f and os.path.exists(os.path.join(root, f))]
    return [os.path.relpath(os.path.join(d, f), root) for d, _, names in os.walk(root) for f in names]


def main():
    shrinks = '--shrink' in sys.argv
    roots = [a for a in sys.argv[1:] if a != '--shrink']
    root = roots[0] if roots else '.'
    layers, sizes, names = read_layers(root), {}, {}
    for path in sorted(list_files(root)):
        if not re.match(r'(src|tests|bench|tools)/.*\.[ch]$', path):
            continue
        raw = open(os.path.join(root, path), encoding='utf-8').read()
        code = without_comments(raw)
        check_text(path, raw)
        check_head(path, raw)
        check_includes(path, raw, layers)
        check_own_header(path, raw)
        check_calls(path, code)
        check_min_max(path, code)
        check_cleanup(path, code)
        sizes.update(long_things(path, raw))
        name = os.path.basename(path)
        if path.startswith('src/') and name in names:
            sizes[f'namesake {path}'] = 1
        names.setdefault(name, path)
    check_sizes(root, sizes, shrinks)
    print('\n'.join(problems), end='\n' if problems else '')
    return 1 if problems else 0


sys.exit(main())
