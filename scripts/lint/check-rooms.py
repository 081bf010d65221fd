#!/usr/bin/env python3
"""Checks that files keep to the rooms of the ROOMS tables. Usage: check-rooms.py TREE BUILD

Includes are read from the sources of TREE. Calls are read with nm from the objects that CMake left in BUILD, which
must have been built. Prints a line for each fault, a circle's ties indented below it.
Exit status: 0 no fault, 1 faults, 2 it could not be checked.
"""
import collections
import os
import re
import subprocess
import sys

ENGINE = 'harness/src'
TESTING = 'harness/testing'
# Where a ROOMS file is, and whose public headers (muster/*.h) may be included there.
AREAS = {
    ENGINE: ['harness/include'],
    'runners': ['harness/include', 'runners/include'],
    'fixtures/check': ['harness/include', 'runners/include', 'fixtures/check/include'],
}
# What the path in an include begins at.
INCLUDE_ROOTS = [ENGINE, 'harness', 'runners', 'runners/conformance', 'fixtures']
FOLDERS = ['harness/include', TESTING] + list(AREAS)


class CannotCheck(Exception):
    pass


# ---- The tables ----

class Room:
    def __init__(self, area, name, line, where):
        self.area, self.name, self.where = area, name, where
        self.line = ' '.join(line.split('|')[1].split()) # As written: what it may use.
        self.uses = set()

    def may_use(self, key):
        """key: that of room_key()."""
        return key in self.uses or (key.rpartition('/')[0] + '/*') in self.uses

    def told(self):
        return f"{self.where} lets {self.name} use: {self.line}"


def read_uses(words, room, rooms):
    """The rooms that the second column of a line names. Returns those that are unknown."""
    if words == 'all above':
        return {name for name, other in rooms.items() if other.area == room.area}, []
    uses, unknown = set(), []
    below = words.endswith(' and below')
    for name in words.removesuffix(' and below').split():
        if name == '-':
            continue
        if name not in rooms:
            unknown.append(name)
            continue
        uses |= {name} | (rooms[name].uses if below else set())
    return uses, unknown


def read_rooms(tree, faults):
    rooms = {}
    for area in AREAS:
        path = f'{area}/ROOMS'
        try:
            with open(os.path.join(tree, path), encoding='utf-8') as file:
                lines = file.read().splitlines()
        except OSError as error:
            raise CannotCheck(f'{path}: {error.strerror}') from error
        for number, line in enumerate(lines, 1):
            if line.startswith('#') or not line.strip():
                continue
            if line.count('|') < 2:
                raise CannotCheck(f'{path}:{number}: not "room | rooms it may use | its job": {line}')
            room = Room(area, line.split('|')[0].strip(), line, f'{path}:{number}')
            room.uses, unknown = read_uses(room.line, room, rooms)
            for name in unknown:
                faults.append(f"{room.where}: '{name}' is no room of a line above")
            folder = os.path.join(tree, area, room.name.removesuffix('/*'))
            if not os.path.isdir(folder):
                faults.append(f"{room.where}: room '{room.name}' has no folder")
            rooms[room.name] = room
    return rooms


# ---- The files ----

def area_of(path):
    return next((area for area in AREAS if path.startswith(area + '/')), None)


def room_key(path, rooms):
    """The room of a file: "base", "parts/chaos", "testing"; None where its folder has no line."""
    if path.startswith(TESTING + '/'):
        return 'testing'
    area = area_of(path)
    folder = os.path.dirname(os.path.relpath(path, area)) or '.'
    parts = folder.split('/')
    for length in range(len(parts), 0, -1):
        name = '/'.join(parts[:length])
        star = '/'.join(parts[:length - 1] + ['*'])
        if any(n in rooms and rooms[n].area == area for n in (name, star)):
            return name
    return None


def room_of(key, rooms):
    return rooms.get(key) or rooms[key.rpartition('/')[0] + '/*']


def list_files(tree):
    """The sources of the folders that are looked at, and the public headers of each."""
    found = set()
    for folder in FOLDERS:
        for where, _, names in os.walk(os.path.join(tree, folder)):
            found |= {os.path.relpath(os.path.join(where, n), tree) for n in names if n.endswith(('.c', '.h', '.def'))}
    return found


def is_public(path):
    return '/include/muster/' in path


def is_test(path):
    return path.endswith('_test.c')


# ---- Includes ----

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def resolve(include, path, files):
    """The file that an include names, None where there is none."""
    if include.startswith('muster/'):
        roots = AREAS[area_of(path)] if area_of(path) else ['harness/include']
    else:
        roots = INCLUDE_ROOTS
    return next((f'{root}/{include}' for root in roots if f'{root}/{include}' in files), None)


def check_include(path, include, files, rooms):
    """What is wrong with it, or None; and the file that it includes, if there is one."""
    beside = os.path.normpath(os.path.join(os.path.dirname(path), include))
    target = resolve(include, path, files)
    if target is None and include.startswith('muster/'):
        return f'includes "{include}", which is no public header of what lies below {area_of(path) or TESTING}', None
    if target is None and beside in files:
        root = max((r for r in INCLUDE_ROOTS if beside.startswith(r + '/')), key=len)
        return f'includes "{include}" without its room: write "{os.path.relpath(beside, root)}"', beside
    if target is None:
        return f'includes "{include}", which is in no room', None
    if is_public(path) and not is_public(target):
        return f'is public and includes "{include}", which is not', target
    if is_public(target):
        return None, target
    own, other = room_key(path, rooms), room_key(target, rooms)
    if other == 'testing':
        fine = own == 'testing' or is_test(path)
        return None if fine else f'includes "{include}", which is for tests', target
    if own in ('testing', other) or own is None or other is None or room_of(own, rooms).may_use(other):
        return None, target
    return f'includes "{include}"; {room_of(own, rooms).told()}', target


def check_includes(tree, files, rooms, faults):
    """Returns for each file the files that it includes."""
    included = {}
    for path in sorted(files):
        with open(os.path.join(tree, path), encoding='utf-8') as file:
            text = file.read()
        targets = set()
        if not is_public(path) and room_key(path, rooms) is None:
            faults.append(f"{path}: room '{os.path.basename(os.path.dirname(path))}' has no line in "
                          f'{area_of(path)}/ROOMS')
        for include in INCLUDE.findall(text):
            fault, target = check_include(path, include, files, rooms)
            if fault:
                faults.append(f'{path}: {fault}')
            if target:
                targets.add(target)
        included[path] = targets
    return included


# ---- Calls ----

def is_newer(path, other):
    return other is None or os.path.getmtime(path) > os.path.getmtime(other)


def find_objects(build, files):
    """Source -> object. CMake keeps that of FOLDER/x/y.c at FOLDER/CMakeFiles/<target>.dir/x/y.c.o."""
    objects = {}
    for where, _, names in os.walk(build):
        match = re.fullmatch(r'(.*?)/?CMakeFiles/[^/]+\.dir(?:/(.*))?', os.path.relpath(where, build))
        for name in names if match else []:
            source = os.path.normpath('/'.join(filter(None, [match[1], match[2], name.removesuffix('.o')])))
            found = os.path.join(where, name)
            # The newest: a build folder keeps objects of targets that are no more.
            if name.endswith('.c.o') and source in files and is_newer(found, objects.get(source)):
                objects[source] = found
    return objects


def read_calls(build, files):
    """(caller, callee) -> symbols. Refuses a build in which a source was not compiled."""
    if not os.path.isdir(build):
        raise CannotCheck(f'{build}: no such build folder')
    objects = {s: o for s, o in find_objects(build, files).items() if not is_test(s)}
    missing = sorted(f for f in files if f.endswith('.c') and not is_test(f) and f not in objects)
    if not objects or missing:
        raise CannotCheck(f'{build}: no object of {missing[0] if missing else "any source"}: build first')
    source_of = {o: s for s, o in objects.items()}
    output = subprocess.run(['nm', '--print-file-name', '--format=posix', *source_of], check=True, text=True,
                            stdout=subprocess.PIPE).stdout
    defined, wanted = {}, collections.defaultdict(set)
    for line in output.splitlines():
        path, _, rest = line.rpartition(': ')
        symbol, kind = rest.split()[:2]
        if kind in 'Uwv':
            wanted[source_of[path]].add(symbol)
        elif kind.isupper() and symbol != 'main':
            defined[symbol] = source_of[path]
    calls = collections.defaultdict(set)
    for caller, symbols in wanted.items():
        for symbol in symbols & defined.keys():
            if defined[symbol] != caller:
                calls[caller, defined[symbol]].add(symbol)
    if not calls:
        raise CannotCheck(f'{build}: no object calls another: that is no build of this tree')
    return calls


def may_call_public(caller, callee):
    """Outside of the engine public functions are open to all that may include their header."""
    if caller.startswith(ENGINE + '/') or not area_of(callee):
        return False
    return set(AREAS[area_of(callee)]) <= set(AREAS[area_of(caller)])


def check_calls(calls, rooms, faults):
    for (caller, callee), symbols in sorted(calls.items()):
        own, other = room_key(caller, rooms), room_key(callee, rooms)
        if own in ('testing', other) or own is None or other is None or room_of(own, rooms).may_use(other):
            continue
        if may_call_public(caller, callee):
            symbols = {s for s in symbols if not re.match('muster_[^_]', s)}
        if symbols:
            faults.append(f'{caller}: calls {" ".join(sorted(symbols))} of {callee}; {room_of(own, rooms).told()}')


# ---- Circles ----

def join(included, calls):
    """File -> file -> what ties it to that. A header is a file of its own: to include it is not to call its source."""
    ties = collections.defaultdict(lambda: collections.defaultdict(set))
    for path, targets in included.items():
        for target in targets if not is_test(path) else []:
            ties[path][target].add(f'{path} includes {target}')
    for (caller, callee), symbols in calls.items():
        ties[caller][callee].add('calls ' + ' '.join(sorted(symbols)))
    return {file: {f: t for f, t in others.items() if f != file} for file, others in ties.items()}


def reachable(file, ties):
    seen, left = set(), [file]
    while left:
        for other in ties.get(left.pop(), {}):
            if other not in seen:
                seen.add(other)
                left.append(other)
    return seen


def check_circles(ties, faults):
    reach = {file: reachable(file, ties) for file in ties}
    done = set()
    for file in sorted(ties):
        circle = sorted(f for f in reach[file] if file in reach.get(f, ()))
        if file in done or not circle:
            continue
        done |= set(circle)
        lines = [f'circle of {len(circle)} files: {" ".join(circle)}']
        for one in circle:
            for other in sorted(set(ties[one]) & set(circle)):
                lines.append(f'  {one} -> {other}: {"; ".join(sorted(ties[one][other]))}')
        faults.append('\n'.join(lines))


def main():
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    tree, build = sys.argv[1:]
    faults = []
    try:
        rooms = read_rooms(tree, faults)
        files = list_files(tree)
        included = check_includes(tree, files, rooms, faults)
        calls = read_calls(build, files)
    except CannotCheck as error:
        print(f'check-rooms: {error}', file=sys.stderr)
        return 2
    check_calls(calls, rooms, faults)
    check_circles(join(included, calls), faults)
    for fault in faults:
        print(fault)
    print(f'{len(files)} files, {len(rooms)} rooms, {len(faults)} faults')
    return 1 if faults else 0


if __name__ == '__main__':
    sys.exit(main())
