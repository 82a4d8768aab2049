// What refreshes cost when little or nothing changed; see README.md.
//
//   node bench/views/run.mjs [--rows 5000000] [--partitions 1000] [--views 1000] [--base-partitions 10000] [--runs 15] [--modules DIR]
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { packagesOf, startServer, wholeNumber } from '../server.mjs';

const here = import.meta.dirname;
const { values: options } = parseArgs({
  options: {
    rows: { type: 'string', default: '5000000' },
    partitions: { type: 'string', default: '1000' },
    views: { type: 'string', default: '1000' },
    'base-partitions': { type: 'string', default: '10000' },
    runs: { type: 'string', default: '15' },
    port: { type: 'string', default: '0' },
    modules: { type: 'string', default: here },
  },
});
const [rows, partitions, views, basePartitions, runs] = ['rows', 'partitions', 'views', 'base-partitions', 'runs'].map((name) => wholeNumber(options, name));
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'merak-bench-views-'));
const mysql = packagesOf(options.modules)('mysql2/promise');

const server = await startServer(path.join(scratch, 'server'), options.port);
const connection = await mysql.createConnection({ host: '127.0.0.1', port: server.queryPort, user: 'root', typeCast: (field) => field.string() });
const query = async (sql) => (await connection.query({ sql, rowsAsArray: true }))[0];

async function timed(action) {
  const begin = performance.now();
  await action();
  return performance.now() - begin;
}

function median(times) {
  return times.sort((a, b) => a - b)[times.length >> 1];
}

let failed = 0;
function report(name, ms, most) {
  const good = most === undefined || ms < most;
  failed += !good;
  console.log(`${name.padEnd(70)} ${ms.toFixed(2).padStart(9)} ms${most === undefined ? '' : good ? `   (under ${most})` : `   TOO SLOW: ${most}`}`);
}

const day = (number) => `date_add('2020-01-01', interval ${number} day)`;

/** A row into one of many partitions, and the view is fresh again. */
async function oneRow() {
  await query(`CREATE TABLE facts (dt date NOT NULL, k int, amount bigint) DUPLICATE KEY (dt, k) PARTITION BY date_trunc('day', dt)`);
  const batch = Math.max(1, Math.floor(partitions / 20));
  for (let first = 0; first < partitions; first += batch) {
    const days = Math.min(batch, partitions - first);
    const count = Math.floor((rows / partitions) * days);
    await query(`INSERT INTO facts SELECT ${day(`(${first} + g % ${days})`)}, g % 97, g FROM TABLE(generate_series(0, ${count - 1})) t(g)`);
  }
  await query(`CREATE TABLE names (k int, name varchar(20)) PRIMARY KEY (k)`);
  await query(`INSERT INTO names SELECT g, concat('n', g) FROM TABLE(generate_series(0, 96)) t(g)`);
  const shapes = {
    grouped: 'SELECT dt, k, sum(amount) AS amount, count(*) AS n FROM facts GROUP BY dt, k',
    averages: 'SELECT dt, k, avg(amount) AS mean, max(amount) AS most FROM facts GROUP BY dt, k',
    joined: 'SELECT dt, name, sum(amount) AS amount FROM facts JOIN names ON facts.k = names.k GROUP BY dt, name',
  };
  for (const [name, sql] of Object.entries(shapes)) {
    await query(`CREATE MATERIALIZED VIEW ${name} PARTITION BY dt REFRESH DEFERRED MANUAL PROPERTIES ('partition_refresh_number' = '-1') AS ${sql}`);
    report(`${name}: first refresh`, await timed(() => query(`REFRESH MATERIALIZED VIEW ${name} WITH SYNC MODE`)));
  }
  for (const name of Object.keys(shapes)) {
    const loads = [];
    const refreshes = [];
    for (let i = 0; i < runs; i++) {
      loads.push(await timed(() => query(`INSERT INTO facts VALUES (${day((i * 37) % partitions)}, 7, 1)`)));
      refreshes.push(await timed(() => query(`REFRESH MATERIALIZED VIEW ${name} WITH SYNC MODE`)));
    }
    report(`${name}: load of one row`, median(loads));
    report(`${name}: fresh again`, median(refreshes), 100);
    const explain = [];
    for (let i = 0; i < runs; i++) explain.push(await timed(() => query(`EXPLAIN REFRESH MATERIALIZED VIEW ${name}`)));
    report(`${name}: EXPLAIN REFRESH`, median(explain));
  }
  await query(`CREATE MATERIALIZED VIEW triggered PARTITION BY dt REFRESH ASYNC PROPERTIES ('partition_refresh_number' = '-1') AS ${shapes.grouped}`);
  const whole = async () => (await query('SELECT sum(n) FROM triggered'))[0][0];
  let expected = (await query('SELECT count(*) FROM facts'))[0][0];
  while ((await whole()) !== expected) await new Promise((resolve) => setTimeout(resolve, 20));
  const waits = [];
  for (let i = 0; i < runs; i++) {
    expected = String(Number(expected) + 1);
    waits.push(await timed(async () => {
      await query(`INSERT INTO facts VALUES (${day((i * 37) % partitions)}, 7, 1)`);
      while ((await whole()) !== expected);
    }));
  }
  report('triggered by the load: load and fresh again', median(waits), 100);
}

/** Nothing changed, for many views. */
async function nothing() {
  await query(`CREATE TABLE wide (dt date NOT NULL, k int, amount bigint) DUPLICATE KEY (dt, k) PARTITION BY date_trunc('day', dt)`);
  for (let first = 0; first < basePartitions; first += 1000)
    await query(`INSERT INTO wide SELECT ${day(`${first} + g`)}, g, g FROM TABLE(generate_series(0, ${Math.min(1000, basePartitions - first) - 1})) t(g)`);
  const made = await timed(async () => {
    for (let i = 0; i < views; i++) {
      await query(`CREATE MATERIALIZED VIEW w${i} PARTITION BY date_trunc('year', dt) REFRESH DEFERRED MANUAL ` +
        `PROPERTIES ('partition_refresh_number' = '-1') AS SELECT dt, sum(amount) AS a, count(*) AS n FROM wide WHERE k <> ${i} GROUP BY dt`);
    }
  });
  report(`${views} views made`, made);
  report('their first refresh', await timed(async () => {
    for (let i = 0; i < views; i++) await query(`REFRESH MATERIALIZED VIEW w${i} WITH SYNC MODE`);
  }));
  report('a second one, which finds nothing', await timed(async () => {
    for (let i = 0; i < views; i++) await query(`REFRESH MATERIALIZED VIEW w${i} WITH SYNC MODE`);
  }));
  const one = [];
  const some = Math.min(runs, views);
  for (let i = 0; i < some; i++) one.push(await timed(() => query(`EXPLAIN REFRESH MATERIALIZED VIEW w${i}`)));
  report('EXPLAIN REFRESH of one of them', median(one));
  await query(`INSERT INTO wide VALUES (${day(77)}, 1, 1)`);
  const changed = [];
  for (let i = 0; i < some; i++) changed.push(await timed(() => query(`REFRESH MATERIALIZED VIEW w${i} WITH SYNC MODE`)));
  report('refresh of one of them after a load of one row', median(changed));
}

try {
  await query('CREATE DATABASE bench');
  await query('USE bench');
  await oneRow();
  await nothing();
} finally {
  connection.destroy();
  await server.stop();
  fs.rmSync(scratch, { recursive: true, force: true });
}
process.exit(failed > 0 ? 1 : 0);
