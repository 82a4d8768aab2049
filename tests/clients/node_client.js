// mysql2 and mariadb from npm: types, prepared statements, errors, big results, several statements, cancel, TLS.
const port = Number(process.env.MERAK_PORT);
let passed = 0, failed = 0;
function check(name, isRight, seen) {
  if (isRight) passed++; else failed++;
  console.log(isRight ? `ok ${name}` : `FAIL ${name}: ${JSON.stringify(seen)}`);
}
const text = (value) => (value instanceof Date ? value.toISOString().slice(0, 10) : value === null ? null : String(value));

async function common(name, run, prepared) {
  const rows = [['CAST(-5 AS TINYINT)', '-5'], ['CAST(9223372036854775807 AS BIGINT)', '9223372036854775807'],
    ["CAST('170141183460469231731687303715884105727' AS LARGEINT)", '170141183460469231731687303715884105727'],
    ['CAST(1.25 AS DECIMAL(10,2))', '1.25'], ['CAST(2.5 AS DOUBLE)', '2.5'], ["'grüße'", 'grüße'], ["CAST('2026-02-28' AS DATE)", '2026-02-28'],
    ['[1,2]', '[1,2]'], ['NULL', null]];
  for (const [sql, expected] of rows)
    for (const [how, f] of [['text', run], ['binary', prepared]]) {
      const [row] = await f(`SELECT ${sql} AS v`);
      check(`${name} ${how} ${sql}`, text(row.v) === expected, row.v);
    }
  const [row] = await prepared('SELECT ? + 1 AS a, ? AS b, ? AS c', [41, "it's", null]);
  check(`${name} parameters`, Number(row.a) === 42 && row.b === "it's" && row.c === null, row);
  for (const [sql, number] of [['SELEC 1', 1064], ['SELECT * FROM nowhere.t', 1049], ['SET nothing_such = 1', 1193]]) {
    const error = await run(sql).then(() => null, (e) => e);
    check(`${name} error of ${sql}`, error?.errno === number, error?.message);
  }
  const big = await run('SELECT generate_series AS g FROM TABLE(generate_series(1, 300000))');
  check(`${name} many rows`, big.length === 300000 && Number(big[299999].g) === 300000, big.length);
  const long = 'z'.repeat(17 * 1024 * 1024);
  const [length] = await run('SELECT length(?) AS n', [long]);
  check(`${name} packets over 16 MiB`, Number(length.n) === long.length, length);
}

/* Both plugins; the first login with caching_sha2_password is the full exchange, the second the fast one. */
async function logins(name, root, open, one) {
  await root.query(`CREATE USER ${name}_native IDENTIFIED BY 'canary-1'`);
  await root.query(`CREATE USER ${name}_sha2 IDENTIFIED WITH caching_sha2_password BY 'canary-2'`);
  for (const [user, password] of [['native', 'canary-1'], ['sha2', 'canary-2'], ['sha2', 'canary-2']]) {
    const c = await open({ user: `${name}_${user}`, password });
    const who = await one(c);
    check(`${name} login ${user}`, who === `'${name}_${user}'@'%'`, who);
    await c.end();
  }
  const error = await open({ user: `${name}_sha2`, password: 'canary-3' }).then(() => null, (e) => e);
  check(`${name} wrong password`, error?.errno === 1045, error?.message);
}

async function withMysql2() {
  const mysql = require('mysql2/promise');
  const options = { host: '127.0.0.1', port, user: 'root', supportBigNumbers: true, bigNumberStrings: true, dateStrings: true, multipleStatements: true };
  const c = await mysql.createConnection(options);
  await common('mysql2', async (sql, v) => (await c.query(sql, v))[0], async (sql, v) => (await c.execute(sql, v))[0]);
  const [several] = await c.query("SELECT 1 AS a; SELECT 'two' AS b");
  check('mysql2 several statements', several[0][0].a === 1 && several[1][0].b === 'two', several);
  const sleeping = c.query('SELECT sleep(30)').then(() => null, (e) => e);
  const other = await mysql.createConnection({ ...options, ssl: { rejectUnauthorized: false } });
  await new Promise((r) => setTimeout(r, 300));
  await other.query(`KILL QUERY ${c.threadId}`);
  check('mysql2 cancel', (await sleeping)?.errno > 0);
  const where = { host: '127.0.0.1', port };
  await logins('mysql2', other, (o) => mysql.createConnection({ ...where, ...o }), async (d) => (await d.query('SELECT current_user() AS u'))[0][0].u);
  await other.changeUser({ user: 'mysql2_sha2', password: 'canary-2' });
  check('mysql2 change of user', (await other.query('SELECT current_user() AS u'))[0][0].u === "'mysql2_sha2'@'%'");
  await c.end();
  await other.end();
}

async function withMariadb() {
  const mariadb = require('mariadb');
  const c = await mariadb.createConnection({ host: '127.0.0.1', port, user: 'root', bigIntAsNumber: false, dateStrings: true, multipleStatements: true });
  await common('mariadb', (sql, v) => c.query(sql, v), (sql, v) => c.execute(sql, v));
  const where = { host: '127.0.0.1', port, allowPublicKeyRetrieval: true };
  await logins('mariadb', c, (o) => mariadb.createConnection({ ...where, ...o }), async (d) => (await d.query('SELECT current_user() AS u'))[0].u);
  await c.end();
}

withMysql2().then(withMariadb).catch((error) => check('run to the end', false, error.stack)).finally(() => {
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(0);
});
