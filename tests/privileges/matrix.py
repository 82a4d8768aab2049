#!/usr/bin/env python3
"""The privilege matrix: each statement of matrix.txt is refused without a grant, with every privilege but the needed one, and
with the needed one on another object; and it is let through with exactly what it needs. The same after a kill -9, and over HTTP.
  matrix.py BINARY [--long]      --long: every single privilege by itself, too"""
import base64
import http.client
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import pymysql

KINDS = {
    "SYSTEM": "OPERATE GRANT PLUGIN FILE BLACKLIST REPOSITORY CREATE_RESOURCE CREATE_RESOURCE_GROUP CREATE_EXTERNAL_CATALOG "
              "CREATE_GLOBAL_FUNCTION CREATE_STORAGE_VOLUME CREATE_WAREHOUSE SECURITY",
    "CATALOG": "USAGE CREATE_DATABASE DROP ALTER",
    "DATABASE": "ALTER DROP CREATE_TABLE CREATE_VIEW CREATE_FUNCTION CREATE_MATERIALIZED_VIEW CREATE_PIPE",
    "TABLE": "DELETE DROP INSERT SELECT ALTER EXPORT UPDATE",
    "VIEW": "SELECT ALTER DROP",
    "MATERIALIZED VIEW": "SELECT ALTER REFRESH DROP",
    "STORAGE VOLUME": "USAGE ALTER DROP",
    "RESOURCE GROUP": "ALTER DROP",
    "USER": "IMPERSONATE",
}
ALL = {"SYSTEM": "SYSTEM", "CATALOG": "CATALOG default_catalog", "DATABASE": "ALL DATABASES", "TABLE": "ALL TABLES IN ALL DATABASES",
       "VIEW": "ALL VIEWS IN ALL DATABASES", "MATERIALIZED VIEW": "ALL MATERIALIZED VIEWS IN ALL DATABASES",
       "STORAGE VOLUME": "ALL STORAGE VOLUMES", "RESOURCE GROUP": "ALL RESOURCE GROUPS", "USER": "ALL USERS"}
OTHER = {"TABLE": "TABLE d.sibling", "VIEW": "VIEW d.sibling_view", "MATERIALIZED VIEW": "MATERIALIZED VIEW d.sibling_mv",
         "DATABASE": "DATABASE sibling_db", "STORAGE VOLUME": "STORAGE VOLUME sibling_vol", "RESOURCE GROUP": "RESOURCE GROUP sibling_group",
         "USER": "USER sibling"}
SETUP = """CREATE DATABASE d; CREATE DATABASE sibling_db;
CREATE TABLE d.t (k INT, v INT) DUPLICATE KEY (k) DISTRIBUTED BY HASH (k) BUCKETS 1; CREATE TABLE d.t2 LIKE d.t; CREATE TABLE d.sibling LIKE d.t;
CREATE TABLE d.p (k INT NOT NULL, v INT) PRIMARY KEY (k) DISTRIBUTED BY HASH (k) BUCKETS 1;
INSERT INTO d.t VALUES (1, 1), (2, 2); INSERT INTO d.p VALUES (1, 1), (2, 2);
CREATE VIEW d.v AS SELECT k FROM d.t; CREATE VIEW d.vi SECURITY INVOKER AS SELECT k FROM d.t; CREATE VIEW d.sibling_view AS SELECT 1 AS x;
CREATE MATERIALIZED VIEW d.m REFRESH DEFERRED MANUAL AS SELECT k, v FROM d.t;
CREATE MATERIALIZED VIEW d.sibling_mv REFRESH DEFERRED MANUAL AS SELECT k FROM d.t;
CREATE STORAGE VOLUME vol TYPE = S3 LOCATIONS = ("s3://x") PROPERTIES ("aws.s3.use_aws_sdk_default_behavior" = "true"); CREATE STORAGE VOLUME sibling_vol TYPE = S3 LOCATIONS = ("s3://y") PROPERTIES ("aws.s3.use_aws_sdk_default_behavior" = "true");
CREATE RESOURCE GROUP sibling_group TO (user = 'sibling') WITH ('cpu_weight' = '1', 'mem_limit' = '50%');
CREATE USER somebody; CREATE USER sibling; CREATE ROLE somerole; CREATE USER tester IDENTIFIED BY 'pw'"""
REFUSED = {5203, 1095}

passed = failed = 0


def check(is_right, text):
    global passed, failed
    if is_right:
        passed += 1
        return
    failed += 1
    print("FAIL " + text)


class Server:
    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder
        self.start()

    def start(self):
        out = open(os.path.join(self.folder, "out"), "w+")
        self.process = subprocess.Popen([self.binary, "server", "--data-dir", os.path.join(self.folder, "data"), "--set", "query_port=0",
                                         "--set", "http_port=0", "--set", "edit_log_port=0"], stdout=out, stderr=subprocess.STDOUT)
        for _ in range(400):
            time.sleep(0.05)
            ready = re.search(r"merak ready query_port=(\d+) http_port=(\d+)", open(out.name).read())
            if ready:
                self.port, self.http_port = int(ready[1]), int(ready[2])
                self.root = self.connect("root", "")
                return
        raise SystemExit("the server did not start: " + open(out.name).read())

    def connect(self, user, password):
        return pymysql.connect(host="127.0.0.1", port=self.port, user=user, password=password, autocommit=True)

    def run(self, statements):
        with self.root.cursor() as cursor:
            for statement in filter(None, (s.strip() for s in statements.split(";"))):
                cursor.execute(statement)

    def restart(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.start()

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Row:
    def __init__(self, line):
        fields = [f.strip() for f in re.split(r"\s\|(?=\s)", line)] + ["", ""]
        self.needs = [] if fields[0] == "FREE" else [alternatives(n) for n in fields[0].split(" + ")]
        self.statement, self.before, self.after = fields[1:4]


def alternatives(text):
    """[(privilege, kind, object)] of which one is enough: A ON X, A / B ON X, A ON X / B ON Y."""
    parts = text.split(" / ")
    found = []
    for part in reversed(parts):
        privilege, _, target = part.partition(" ON ")
        kind, name = split_target(target) if target else found[0][1:]
        found.insert(0, (privilege, kind, name))
    return found


def split_target(target):
    for kind in sorted(KINDS, key=len, reverse=True):
        if target == kind or target.startswith(kind + " "):
            return kind, target[len(kind) + 1:]
    raise SystemExit("unknown object: " + target)


def privileges_of(need):
    """What a need covers: ANY is every privilege of the kind."""
    privilege, kind, _ = need
    return [p.replace("_", " ") for p in KINDS[kind].split()] if privilege == "ANY" else [privilege]


def grantable(need):
    return not (need[1] == "SYSTEM" and need[0] == "NODE")


def request(server, statement):
    words = statement.split()
    headers = {"Authorization": "Basic " + base64.b64encode(b"tester:pw").decode()}
    for i in range(3, len(words) - 1, 2):
        headers[words[i].rstrip(":")] = words[i + 1]
    body = "5,5\n" if words[1] == "PUT" else '{"query": "SELECT * FROM d.t"}' if words[2].endswith("/sql") else None
    if words[1] == "PUT":
        headers["column_separator"] = ","
    connection = http.client.HTTPConnection("127.0.0.1", server.http_port, timeout=30)
    connection.request(words[1], words[2], body, headers)
    answer = connection.getresponse().read().decode()
    connection.close()
    is_refused = "Access denied" in answer
    return (5203 if is_refused else 0), answer


def attempt(server, row):
    """(error number or 0, text) of the statement, run by the tester."""
    if row.statement.startswith("HTTP "):
        return request(server, row.statement)
    connection = server.connect("tester", "pw")
    try:
        with connection.cursor() as cursor:
            cursor.execute(row.statement)
            cursor.fetchall()
        if row.statement.startswith("SET PASSWORD = "):
            server.run("SET PASSWORD FOR tester = PASSWORD('pw')")
        return 0, ""
    except pymysql.MySQLError as error:
        return error.args[0], str(error.args[-1])
    finally:
        connection.close()


def run_as(server, row, grants, name, wants_refusal):
    for privilege, target in grants:
        server.run(f"GRANT {privilege} ON {target} TO USER tester")
    server.run(row.before)
    number, text = attempt(server, row)
    is_refused = number in REFUSED or "Can not" in text
    check(is_refused == wants_refusal and (wants_refusal or number == 0 or is_harmless(text)),
          f"{name}: {row.statement}: {number} {text[:200]}")
    server.run(row.after)
    for privilege, target in grants:
        try:
            server.run(f"REVOKE {privilege} ON {target} FROM USER tester")
        except pymysql.MySQLError as error:  # what was granted on ended with the object
            check("cannot find" in str(error), f"REVOKE {privilege} ON {target}: {error}")


def is_harmless(text):
    """The statement got past its privilege, and what it wants is not there in this server."""
    return "not supported" in text or "is disabled" in text


def exact(row):
    return [(need[0][0] if need[0][0] != "ANY" else privileges_of(need[0])[-1], f"{need[0][1]} {need[0][2]}".strip()) for need in row.needs]


def complement(needs):
    """All that there is, but the privileges of one need."""
    without = {(p, kind) for need in needs for p in privileges_of(need) for kind in [need[1]]}
    grants = []
    for kind, privileges in KINDS.items():
        kept = [p.replace("_", " ") for p in privileges.split() if (p.replace("_", " "), kind) not in without]
        # GRANT on SYSTEM would let the tester help himself; it is tried where it is what is missing.
        kept = [p for p in kept if not (kind == "SYSTEM" and p == "GRANT")]
        if kept:
            grants.append((", ".join(kept), ALL[kind]))
    return grants


def others(row):
    """The needed privileges, on siblings."""
    needs = [n[0] for n in row.needs]
    if any(kind not in OTHER for _, kind, _ in needs):
        return None
    return [(p if p != "ANY" else privileges_of((p, kind, name))[-1], OTHER[kind]) for p, kind, name in needs]


def run_row(server, row, is_long):
    if not row.needs:
        run_as(server, row, [], "without a grant", False)
        return
    run_as(server, row, [], "without a grant", True)
    for need in row.needs:
        run_as(server, row, complement(need), "with all but what it needs", True)
    for left_out in range(len(row.needs)) if len(row.needs) > 1 and all(grantable(n[0]) for n in row.needs) else ():
        server.run(row.before)
        run_as(server, row, [g for i, g in enumerate(exact(row)) if i != left_out], "without one of what it needs", True)
    siblings = others(row)
    if siblings is not None:
        run_as(server, row, siblings, "with the same on other objects", True)
    if all(grantable(n[0]) for n in row.needs):
        server.run(row.before)
        run_as(server, row, exact(row), "with what it needs", False)
    for kind, privileges in KINDS.items() if is_long else ():
        for privilege in (p.replace("_", " ") for p in privileges.split()):
            if not any(privilege in privileges_of(a) and a[1] == kind for need in row.needs for a in need):
                run_as(server, row, [(privilege, ALL[kind])], f"with {privilege} ON {ALL[kind]} alone", True)


def error_of(action):
    try:
        action()
        return 0
    except pymysql.MySQLError as error:
        return error.args[0]


def logins(server):
    """Hosts, limits and what a user's properties set."""
    server.run("CREATE USER far@'10.%'; CREATE USER near@'127.%' IDENTIFIED BY 'a'; CREATE USER near@'10.%' IDENTIFIED BY 'b'")
    check(error_of(lambda: server.connect("far", "")) == 1045, "a user of other hosts is let in")
    check(error_of(lambda: server.connect("near", "a")) == 0, "a user of this host is refused")
    check(error_of(lambda: server.connect("near", "b")) == 1045, "the password of a user of other hosts is taken")
    server.run("CREATE USER few PROPERTIES ('max_user_connections' = '1', 'session.query_timeout' = '77', 'database' = 'd');"
               "GRANT SELECT ON TABLE d.t TO few; CREATE ROLE few_role; GRANT few_role TO few")
    first = server.connect("few", "")
    check(error_of(lambda: server.connect("few", "")) == 1203, "more connections than max_user_connections")
    with first.cursor() as cursor:
        cursor.execute("SELECT @@query_timeout, database(), current_role(), current_user()")
        row = cursor.fetchone()
        check((int(row[0]),) + row[1:] == (77, "d", "NONE", "'few'@'%'"), f"properties at the login: {row}")
    first.close()
    time.sleep(0.2)
    server.run("SET GLOBAL activate_all_roles_on_login = true")
    second = server.connect("few", "")
    with second.cursor() as cursor:
        cursor.execute("SELECT current_role()")
        check(cursor.fetchone()[0] == "few_role", "activate_all_roles_on_login")
    second.close()
    server.run("SET GLOBAL activate_all_roles_on_login = false; ALTER USER few SET PROPERTIES ('max_user_connections' = '100')")


def main():
    binary, is_long = sys.argv[1], "--long" in sys.argv
    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, "matrix.txt")) as file:
        rows = [Row(line) for line in file if line.strip() and not line.startswith("#")]
    folder = tempfile.mkdtemp(prefix="merak-privileges-")
    server = Server(binary, folder)
    try:
        server.run(SETUP)
        for row in rows:
            run_row(server, row, is_long)
        logins(server)
        server.run("GRANT SELECT ON TABLE d.t TO USER tester")
        server.restart()
        for row in rows:
            if row.needs and row.needs != [[("SELECT", "TABLE", "d.t")]] and row.needs[0][0][0] != "ANY" and "INSERT" not in row.statement:
                if len(row.needs) == 1:
                    run_as(server, row, [], "after a restart, with SELECT on d.t alone", True)
        run_as(server, Row("FREE | SELECT * FROM d.t"), [], "after a restart, with SELECT on d.t", False)
        check(server.process.poll() is None, "the server is gone")
    finally:
        server.stop()
        shutil.rmtree(folder)
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
