// Primary keys and small loads, as ratios within one run.
//
//   node bench/keys/run.mjs [--rows 10000000] [--upserts 1000000] [--loads 3600] [--threads 2] [--only upsert,lookup,deleted,loads,beside]
//                           [--modules DIR] [--json FILE]
//
// mysql2 and @duckdb/node-api are looked for in DIR/node_modules of --modules, or beside this file; without DuckDB its column
// stays empty. What is measured, and against what:
//
//   upsert   --upserts random keys into --rows by INSERT SELECT, durable at return, with the index warm and, after a restart, cold;
//            DuckDB: INSERT OR REPLACE into a table with a primary key, then CHECKPOINT
//   lookup   one row by its primary key, over a connection, warm
//   deleted  a scan of a table of which 10 % were deleted at random; against another that was filled in the same way, and against
//            a table that never held those rows
//   loads    --loads batches of one small Stream Load each, as fast as they go: scans meanwhile and in the 10 s after;
//            against the same rows loaded at once
//   beside   upserts of 10 random rows one after the other while a merge of a table of half of --rows runs, of which a third was replaced:
//            their 99th percentile and longest against those of the same upserts when nothing runs
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { packagesOf, startServer, wholeNumber } from '../server.mjs';

const here = import.meta.dirname;
const { values: options } = parseArgs({
  options: {
    rows: { type: 'string', default: '10000000' },
    upserts: { type: 'string', default: '1000000' },
    loads: { type: 'string', default: '3600' },
    threads: { type: 'string', default: String(os.availableParallelism()) },
    only: { type: 'string', default: 'upsert,lookup,deleted,loads,beside' },
    modules: { type: 'string', default: here },
    json: { type: 'string' },
  },
});
const rows = wholeNumber(options, 'rows');
const upserts = wholeNumber(options, 'upserts');
const loads = wholeNumber(options, 'loads');
const threads = wholeNumber(options, 'threads');
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'merak-keys-'));
const installed = packagesOf(options.modules);
const results = [];

const now = () => performance.now();
async function timed(work) {
  const start = now();
  await work();
  return now() - start;
}
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
async function best(runs, work) {
  let least = Infinity;
  for (let i = 0; i < runs; i++) least = Math.min(least, await timed(work));
  return least;
}

/** bound: the ratio that the figure is held against; "more" or "less" is good. */
function report(name, ours, other, otherName, bound, isMoreGood) {
  const ratio = isMoreGood ? other / ours : ours / other;
  const isGood = !Number.isFinite(ratio) || (isMoreGood ? ratio >= bound : ratio <= bound);
  results.push({ name, ours, other, ratio, bound, isGood });
  const text = (value) => (Number.isFinite(value) ? value.toFixed(value < 10 ? 3 : 1) : '-').padStart(12);
  console.log(`${name.padEnd(34)}${text(ours)} ms${text(other)} ms  ${otherName.padEnd(14)}${text(ratio)}   ${isMoreGood ? '>=' : '<='} ${bound}${isGood ? '' : '   MISSED'}`);
}

// ---- the server ----

let server = null;

async function startMerak() {
  const merak = await startServer(path.join(scratch, 'server'));
  const connection = await installed('mysql2/promise').createConnection({ host: '127.0.0.1', port: merak.queryPort, user: 'root' });
  await connection.query('CREATE DATABASE IF NOT EXISTS bench');
  await connection.query('USE bench');
  await connection.query(`SET pipeline_dop = ${threads}`);
  server = {
    query: merak.queryPort,
    http: merak.httpPort,
    connection,
    run: async (sql) => (await connection.query({ sql, rowsAsArray: true }))[0],
    async stop() {
      connection.destroy();
      await merak.stop();
    },
  };
}

async function restart() {
  await server.stop();
  await startMerak();
}

// ---- DuckDB ----

async function openDuckdb() {
  const duckdb = installed('@duckdb/node-api');
  if (!duckdb) return null;
  const file = path.join(scratch, 'duckdb.db');
  const instance = await duckdb.DuckDBInstance.create(file, { threads: String(threads) });
  const connection = await instance.connect();
  return {
    run: (sql) => connection.run(sql),
    one: async (sql) => Number((await connection.runAndReadAll(sql)).getRowsJson()[0][0]),
    stop() {
      connection.closeSync();
      instance.closeSync();
      fs.rmSync(file, { force: true });
    },
  };
}

// ---- what is measured ----

// Keys are scattered over the whole range by a multiplication with an odd number.
const rowOf = (i, generation) => `${i} AS k, ${i} % 1000 AS a, ${i} % 7919 + ${generation} AS b, concat('value ', CAST(${i} % 100000 AS VARCHAR)) AS c`;
const pickKey = (i, generation) => `((${i} * 7368787 + ${generation} * 1013) % ${rows})`;

async function upsert() {
  await server.run('CREATE TABLE t (k BIGINT NOT NULL, a INT, b BIGINT, c VARCHAR(40)) PRIMARY KEY (k) DISTRIBUTED BY HASH(k) BUCKETS 8');
  const filled = await timed(() => server.run(`INSERT INTO t SELECT ${rowOf('g', 0)} FROM TABLE(generate_series(0, ${rows - 1})) s(g)`));
  console.log(`filled ${rows} rows in ${(filled / 1000).toFixed(1)} s`);
  let generation = 0;
  const batch = (run, series) => run(series(++generation));
  const ours = (n) => `INSERT INTO t SELECT k, a, b + ${n}, c FROM (SELECT ${rowOf(pickKey('g', n), n)} FROM TABLE(generate_series(1, ${upserts})) s(g)) x`;
  await batch(server.run, ours); // the index is there from now on
  const warm = [];
  for (let i = 0; i < 3; i++) warm.push(await timed(() => batch(server.run, ours)));
  await restart();
  const cold = await timed(() => batch(server.run, ours));
  const count = (await server.run('SELECT count(*) FROM t'))[0][0];
  if (Number(count) !== rows) throw new Error(`t has ${count} rows, not ${rows}`);
  let duck = NaN;
  const duckdb = await openDuckdb();
  if (duckdb) {
    await duckdb.run('CREATE TABLE t (k BIGINT PRIMARY KEY, a INTEGER, b BIGINT, c VARCHAR)');
    await duckdb.run(`INSERT INTO t SELECT ${rowOf('g', 0)} FROM range(0, ${rows}) s(g)`);
    await duckdb.run('CHECKPOINT');
    const times = [];
    for (let n = 1; n <= 3; n++) {
      times.push(await timed(async () => {
        await duckdb.run(`INSERT OR REPLACE INTO t SELECT k, a, b + ${n}, c FROM (SELECT ${rowOf(pickKey('g', n), n)} FROM range(1, ${upserts + 1}) s(g)) x`);
        await duckdb.run('CHECKPOINT');
      }));
    }
    duck = median(times);
    if (await duckdb.one('SELECT count(*) FROM t') !== rows) throw new Error('DuckDB has other rows');
    duckdb.stop();
  }
  report(`upsert ${upserts}, warm index`, median(warm), duck, 'DuckDB', 5, true);
  report(`upsert ${upserts}, cold index`, cold, duck, 'DuckDB', 5, true);
}

async function lookup() {
  if ((await server.run("SHOW TABLES LIKE 't'")).length === 0) await upsert();
  const times = [];
  for (let i = 0; i < 300; i++) {
    const key = (i * 7919 * 104729) % rows;
    times.push(await timed(async () => {
      const found = await server.run(`SELECT k, a, b, c FROM t WHERE k = ${key}`);
      if (found.length !== 1) throw new Error(`key ${key}: ${found.length} rows`);
    }));
  }
  const empty = [];
  for (let i = 0; i < 300; i++) empty.push(await timed(() => server.run(`SELECT ${i}`)));
  console.log(`SELECT of a constant: ${median(empty).toFixed(3)} ms`);
  report('point lookup, median', median(times.slice(50)), 1, '1 ms', 1, false);
}

async function deleted() {
  const kept = 'k * 2654435761 % 10 <> 3';
  for (const name of ['source', 'part', 'whole', 'kept']) {
    await server.run(`CREATE TABLE ${name} (k BIGINT NOT NULL, a INT, b BIGINT, c VARCHAR(40)) PRIMARY KEY (k) DISTRIBUTED BY HASH(k) BUCKETS 8`);
  }
  await server.run(`INSERT INTO source SELECT ${rowOf('g', 0)} FROM TABLE(generate_series(0, ${rows - 1})) s(g)`);
  await server.run('INSERT INTO whole SELECT * FROM source');
  await server.run('INSERT INTO part SELECT * FROM source');
  await server.run(`INSERT INTO kept SELECT * FROM source WHERE ${kept}`);
  await server.run(`DELETE FROM part WHERE NOT (${kept})`);
  const scans = [['sums', 'SELECT sum(a), sum(b), count(*) FROM'], ['strings', 'SELECT max(c), min(c), count(DISTINCT a) FROM'],
    ['filter', 'SELECT count(*), sum(b) FROM', ' WHERE a < 500'], ['few', 'SELECT count(*), sum(b) FROM', ' WHERE b < 50'],
    ['texts', 'SELECT count(*) FROM', " WHERE c LIKE '%99%'"], ['extremes', 'SELECT max(k), min(b) FROM'], ['groups', 'SELECT a, sum(b) FROM', ' GROUP BY a ORDER BY 2 LIMIT 1']];
  for (const [name, sql, tail = ''] of scans) {
    const times = { part: Infinity, whole: Infinity, kept: Infinity };
    for (let i = 0; i < 21; i++) {
      for (const table of Object.keys(times)) times[table] = Math.min(times[table], await timed(() => server.run(`${sql} ${table}${tail}`)));
    }
    report(`scan with 10 % deleted, ${name}`, times.part, times.whole, 'before delete', 1.15, false);
    console.log(`${''.padEnd(34)}against a table of the rows that are left alone: ${(times.part / times.kept).toFixed(3)}`);
  }
}

async function streamLoad(table, label, body) {
  const response = await fetch(`http://127.0.0.1:${server.http}/api/bench/${table}/_stream_load`, {
    method: 'PUT',
    headers: { authorization: `Basic ${Buffer.from('root:').toString('base64')}`, label, column_separator: ',' },
    body,
  });
  const answer = await response.json();
  if (answer.Status !== 'Success') throw new Error(JSON.stringify(answer));
}

async function smallLoads() {
  const batch = 100;
  const line = (i) => `${i % 1000},${i},${(i * 7919) % 1000},name ${i % 5000}\n`;
  const body = (n) => Array.from({ length: batch }, (_, j) => line(n * batch + j)).join('');
  for (const [kind, keys] of [['duplicate', 'DUPLICATE KEY (a)'], ['aggregate', 'AGGREGATE KEY (a, k)'], ['primary', 'PRIMARY KEY (a, k)']]) {
    const value = kind === 'aggregate' ? 'b BIGINT SUM, c VARCHAR(40) REPLACE' : 'b BIGINT, c VARCHAR(40)';
    for (const name of [`many_${kind}`, `once_${kind}`]) {
      await server.run(`CREATE TABLE ${name} (a INT NOT NULL, k BIGINT NOT NULL, ${value}) ${keys} DISTRIBUTED BY HASH(a) BUCKETS 2`);
    }
    const all = [];
    for (let n = 0; n < loads; n++) all.push(body(n));
    await streamLoad(`once_${kind}`, `once_${kind}`, all.join(''));
    const scan = (name) => server.run(`SELECT sum(b), count(*), max(c) FROM ${name}_${kind}`);
    let scans = 0;
    const worst = { ratio: 0 };
    let isLoading = true;
    const watch = (async () => {
      while (isLoading) {
        let [many, once] = [Infinity, Infinity]; // in turns: both meet the same loads beside them
        for (let i = 0; i < 5; i++) {
          many = Math.min(many, await timed(() => scan('many')));
          once = Math.min(once, await timed(() => scan('once')));
        }
        scans++;
        if (many / once > worst.ratio) Object.assign(worst, { ratio: many / once, many, once });
        await new Promise((resolve) => { setTimeout(resolve, 200); });
      }
    })();
    const start = now();
    for (let n = 0; n < loads; n++) await streamLoad(`many_${kind}`, `many_${kind}_${n}`, all[n]);
    const seconds = (now() - start) / 1000;
    isLoading = false;
    await watch;
    console.log(`${kind}: ${loads} loads in ${seconds.toFixed(1)} s, ${scans} looks meanwhile`);
    report(`${kind}: worst while loading`, worst.many, worst.once, 'loaded at once', 3, false);
    const end = now() + 10000;
    let many;
    let once;
    do {
      await new Promise((resolve) => { setTimeout(resolve, 500); });
      many = await best(5, () => scan('many'));
      once = await best(5, () => scan('once'));
    } while (many / once > 1.1 && now() < end);
    report(`${kind}: within 10 s after`, many, once, 'loaded at once', 1.3, false);
  }
}

async function upsertWhile(going, waits) {
  for (let i = 0; going(waits.length); i++) {
    const values = Array.from({ length: 10 }, () => `(${Math.floor(Math.random() * rows / 2)}, ${i}, ${i}, 'beside')`);
    waits.push(await timed(() => server.run(`INSERT INTO busy VALUES ${values.join(',')}`)));
  }
}

async function beside() {
  const half = Math.floor(rows / 2);
  await server.run('CREATE TABLE busy (k BIGINT NOT NULL, a INT, b BIGINT, c VARCHAR(40)) PRIMARY KEY (k) DISTRIBUTED BY HASH(k) BUCKETS 2');
  await server.run("ADMIN SET FRONTEND CONFIG ('lake_compaction_max_tasks' = '0')");
  await server.run(`INSERT INTO busy SELECT ${rowOf('g', 0)} FROM TABLE(generate_series(0, ${half - 1})) s(g)`);
  const alone = [];
  const meanwhile = [];
  const merger = await installed('mysql2/promise').createConnection({ host: '127.0.0.1', port: server.query, user: 'root', database: 'bench' });
  let merging = 0;
  for (let round = 1; round <= 3; round++) {
    await server.run(`INSERT INTO busy SELECT ${rowOf(`(g * 3 + ${round}) % ${half}`, round)} FROM TABLE(generate_series(0, ${Math.floor(half / 3)})) s(g)`);
    await upsertWhile((count) => count < 300 * round, alone);
    let isMerging = true;
    const merge = (async () => {
      merging += await timed(() => merger.query('ALTER TABLE busy COMPACT'));
      isMerging = false;
    })();
    await upsertWhile(() => isMerging, meanwhile);
    await merge;
  }
  merger.destroy();
  const count = (await server.run('SELECT count(*), count(DISTINCT k) FROM busy'))[0];
  if (count.some((value) => Number(value) !== half)) throw new Error(`busy has ${count} rows and keys, not ${half}`);
  await server.run("ADMIN SET FRONTEND CONFIG ('lake_compaction_max_tasks' = '-1')");
  const at = (values, share) => values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))];
  console.log(`${meanwhile.length} upserts beside merges of ${(merging / 1000).toFixed(1)} s`);
  report('beside a merge, median', median(meanwhile), median(alone), 'alone', 10, false);
  report('beside a merge, 99 %', at(meanwhile, 0.99), at(alone, 0.99), 'alone', 20, false);
  report('beside a merge, longest', at(meanwhile, 1), at(alone, 1), 'alone', 40, false);
}

let status = 2;
try {
  await startMerak();
  console.log(`${threads} threads; ${' '.repeat(22)}merak       against`);
  const parts = { upsert, lookup, deleted, loads: smallLoads, beside };
  for (const name of options.only.split(',')) {
    if (!parts[name]) throw new Error(`unknown part "${name}"; there are ${Object.keys(parts).join(', ')}`);
    await parts[name]();
  }
  await server.stop();
  if (options.json) fs.writeFileSync(options.json, JSON.stringify({ rows, upserts, loads, threads, results }, null, 1));
  status = results.every((result) => result.isGood) ? 0 : 1;
} catch (error) {
  console.error(error);
}
fs.rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
process.exit(status);
