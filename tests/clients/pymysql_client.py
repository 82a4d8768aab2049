# PyMySQL (Debian: python3-pymysql): types, parameters, errors, big results, several statements, cancel.
import datetime
import decimal
import os
import socket
import ssl
import struct
import threading
import time

import pymysql
from pymysql.constants import CLIENT

PORT = int(os.environ["MERAK_PORT"])
counts = [0, 0]


def check(name, is_right, seen=None):
    counts[0 if is_right else 1] += 1
    print(f"ok {name}" if is_right else f"FAIL {name}: {seen!r}")


def connect(**more):
    return pymysql.connect(host="127.0.0.1", port=PORT, user="root", **more)


def value(cursor, sql, parameters=None):
    cursor.execute(sql, parameters)
    return cursor.fetchone()[0]


TYPES = [
    ("boolean", "CAST(true AS BOOLEAN)", 1),
    ("tinyint", "CAST(-128 AS TINYINT)", -128),
    ("smallint", "CAST(32767 AS SMALLINT)", 32767),
    ("int", "CAST(-2147483648 AS INT)", -2147483648),
    ("bigint", "CAST(9223372036854775807 AS BIGINT)", 9223372036854775807),
    ("largeint", "CAST('170141183460469231731687303715884105727' AS LARGEINT)", "170141183460469231731687303715884105727"),
    ("float", "CAST(1.5 AS FLOAT)", 1.5),
    ("double", "CAST(-2.25e300 AS DOUBLE)", -2.25e300),
    ("decimal", "CAST(12345678901234567890.123456789 AS DECIMAL(38,9))", decimal.Decimal("12345678901234567890.123456789")),
    ("char", "CAST('abc' AS CHAR(5))", "abc"),
    ("varchar", "'grüße, 世界'", "grüße, 世界"),
    ("date", "CAST('2026-02-28' AS DATE)", datetime.date(2026, 2, 28)),
    ("datetime", "CAST('2026-02-28 12:34:56.789' AS DATETIME)", datetime.datetime(2026, 2, 28, 12, 34, 56, 789000)),
    ("json", "parse_json('{\"a\": [1, null]}')", '{"a": [1, null]}'),
    ("array", "[1, 2, NULL]", "[1,2,null]"),
    ("map", "map{'k': 1}", '{"k":1}'),
    ("null", "NULL", None),
]


def types(cursor):
    for name, sql, expected in TYPES:
        seen = value(cursor, "SELECT " + sql)
        check("type " + name, seen == expected and type(seen) is type(expected), seen)
    seen = value(cursor, "SELECT to_binary('00ff10', 'hex')")
    check("type varbinary", seen in (b"\x00\xff\x10", "\x00\xff\x10"), seen)


def parameters(cursor):
    for given in (1, -7, 2.5, "it's \\ \"quoted\"", None, decimal.Decimal("1.10"), datetime.date(2020, 1, 2), True):
        seen = value(cursor, "SELECT %s", (given,))
        # PyMySQL writes parameters into the text: a date becomes a string.
        check(f"parameter {given!r}", seen == (str(given) if isinstance(given, datetime.date) else given), seen)
    cursor.execute("CREATE TABLE many (k INT, v VARCHAR(30)) DUPLICATE KEY (k)")
    done = cursor.executemany("INSERT INTO many VALUES (%s, %s)", [(i, f"row {i}") for i in range(1000)])
    check("executemany", done == 1000 and value(cursor, "SELECT count(*) FROM many") == 1000, done)


def errors(cursor):
    for name, sql, number in (("syntax", "SELEC 1", 1064), ("database", "USE nowhere", 1049), ("table", "SELECT * FROM nowhere", 5502),
                              ("column", "SELECT nothing FROM many", 1064), ("variable", "SET nothing_such = 1", 1193)):
        try:
            cursor.execute(sql)
            check("error " + name, False, "no error")
        except pymysql.MySQLError as error:
            check("error " + name, error.args[0] in (number, 1146, 1054), error.args)
    check("after errors", value(cursor, "SELECT 1") == 1)


def big(connection, cursor):
    cursor.execute("SELECT generate_series, repeat('x', 20) FROM TABLE(generate_series(1, 300000))")
    rows = cursor.fetchall()
    check("many rows", len(rows) == 300000 and rows[-1][0] == 300000, len(rows))
    with connection.cursor(pymysql.cursors.SSCursor) as streamed:
        streamed.execute("SELECT generate_series FROM TABLE(generate_series(1, 1000000))")
        total = sum(1 for _ in streamed)
    check("streamed rows", total == 1000000, total)
    text = "y" * (17 * 1024 * 1024)
    check("packets over 16 MiB", value(cursor, "SELECT length(%s)", (text,)) == len(text))


def several(cursor):
    cursor.execute("SELECT 1; SELECT 'two', 3; SET @a = 5; SELECT @a")
    seen = [cursor.fetchall()]
    while cursor.nextset():
        seen.append(cursor.fetchall())
    check("several statements", seen[0] == ((1,),) and (("two", 3),) in seen and ((5,),) in seen, seen)


def cancel(connection):
    outcome = []

    def run():
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT sleep(30)")
            outcome.append("finished")
        except pymysql.MySQLError as error:
            outcome.append(error.args[0])

    thread = threading.Thread(target=run)
    begin = time.monotonic()
    thread.start()
    time.sleep(0.3)
    with connect() as other, other.cursor() as cursor:
        cursor.execute(f"KILL QUERY {connection.thread_id()}")
    thread.join(10)
    check("cancel", outcome and outcome[0] != "finished" and time.monotonic() - begin < 5, outcome)
    with connection.cursor() as cursor:
        check("after cancel", value(cursor, "SELECT 1") == 1)


def tls_in_one_packet():
    # The request for TLS and the first record of TLS arrive together.
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing)
    with socket.create_connection(("127.0.0.1", PORT), 10) as wire:
        wire.recv(4096)
        request = struct.pack("<IIB23x", CLIENT.PROTOCOL_41 | CLIENT.SSL | CLIENT.SECURE_CONNECTION, 1 << 24, 33)
        first = struct.pack("<I", len(request) | 1 << 24) + request
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                wire.sendall(first + outgoing.read())
                first = b""
                data = wire.recv(16384)
                if not data:
                    check("tls in one packet", False, "closed")
                    return
                incoming.write(data)
    check("tls in one packet", tls.version().startswith("TLSv1."), tls.version())


def logins(cursor):
    """Both plugins: the first login of caching_sha2_password is the full exchange with the server's key, the second the fast one."""
    cursor.execute("CREATE USER py_native IDENTIFIED BY 'canary-1'")
    cursor.execute("CREATE USER py_sha2 IDENTIFIED WITH caching_sha2_password BY 'canary-2'")
    secure = {"check_hostname": False, "verify_mode": False}
    for user, password, options in [("py_native", "canary-1", {}), ("py_sha2", "canary-2", {}), ("py_sha2", "canary-2", {}),
                                    ("py_sha2", "canary-2", {"ssl": secure})]:
        with pymysql.connect(host="127.0.0.1", port=PORT, user=user, password=password, **options) as one, one.cursor() as other:
            check("login " + user, value(other, "SELECT current_user()") == f"'{user}'@'%'")
    for user in ("py_native", "py_sha2"):
        try:
            pymysql.connect(host="127.0.0.1", port=PORT, user=user, password="canary-3")
            check("wrong password " + user, False, "let in")
        except pymysql.err.OperationalError as error:
            check("wrong password " + user, error.args[0] == 1045, error)
    cursor.execute("ALTER USER py_sha2 IDENTIFIED WITH caching_sha2_password BY 'canary-4'")
    with pymysql.connect(host="127.0.0.1", port=PORT, user="py_sha2", password="canary-4", ssl=secure):
        check("first login over TLS", True)


def main():
    connection = connect(client_flag=CLIENT.MULTI_STATEMENTS, autocommit=True)
    cursor = connection.cursor()
    cursor.execute("CREATE DATABASE pymysql_client")
    connection.select_db("pymysql_client")
    check("select_db", value(cursor, "SELECT DATABASE()") == "pymysql_client")
    types(cursor)
    parameters(cursor)
    errors(cursor)
    big(connection, cursor)
    several(cursor)
    cancel(connection)
    tls_in_one_packet()
    logins(cursor)
    connection.ping()
    check("ping", True)
    with connect(ssl={"check_hostname": False, "verify_mode": False}) as secure, secure.cursor() as cursor:
        check("tls", value(cursor, "SELECT 1") == 1)


main()
print(f"{counts[0]} passed, {counts[1]} failed")
