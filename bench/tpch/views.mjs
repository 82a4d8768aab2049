// TPC-H with materialized views: starts the server on scratch space, loads a scale through merak-tpch, makes and refreshes the
// views of views/, and runs the queries that have one with and without query rewrite.
//
//   node bench/tpch/views.mjs [--sf 1] [--threads 2] [--runs 7] [--candidates 100] [--modules DIR]
//
// For each query: the plan names the view, the answers are equal, and how many times faster it is; then how much longer
// planning takes with --candidates views that all read tables of the query. Fails when a query is not answered from its
// view, an answer differs, a query is less than 20 times faster, or planning takes 5 ms longer.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { packagesOf, program, startServer } from '../server.mjs';

const here = import.meta.dirname;
const { values: options } = parseArgs({
  options: {
    sf: { type: 'string', default: '1' },
    threads: { type: 'string', default: String(os.availableParallelism()) },
    runs: { type: 'string', default: '7' },
    candidates: { type: 'string', default: '100' },
    modules: { type: 'string', default: here },
  },
});
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'merak-views-'));
const mysql = packagesOf(options.modules)('mysql2/promise');
const read = (...parts) => fs.readFileSync(path.join(here, ...parts), 'utf8').trim().replace(/;$/, '');

function load(httpPort) {
  const args = ['--sf', options.sf, '--load', `http://127.0.0.1:${httpPort}`, '--database', 'tpch', '--threads', options.threads];
  return new Promise((resolve, reject) => {
    spawn(program('merak-tpch', 'make tpch'), args, { stdio: ['ignore', 'ignore', 'inherit'] })
      .on('close', (code) => (code === 0 ? resolve() : reject(new Error(`loading ended with status ${code}`))));
  });
}

const server = await startServer(path.join(scratch, 'server'));
const connection = await mysql.createConnection({ host: '127.0.0.1', port: server.queryPort, user: 'root', typeCast: (field) => field.string() });
const query = async (sql) => (await connection.query({ sql, rowsAsArray: true }))[0];

/** The best time in ms, and the answer. */
async function best(sql) {
  let time = Infinity;
  let rows;
  for (let i = 0; i < Number(options.runs); i++) {
    const begin = performance.now();
    rows = await query(sql);
    time = Math.min(time, performance.now() - begin);
  }
  return { time, rows };
}

/** Median time of EXPLAIN in ms. */
async function planning(sql) {
  const times = [];
  for (let i = 0; i < 51; i++) {
    const begin = performance.now();
    await query(`EXPLAIN ${sql}`);
    times.push(performance.now() - begin);
  }
  return times.sort((a, b) => a - b)[25];
}

let failed = 0;
function check(good, text) {
  if (good) return;
  failed++;
  console.log(`FAILED: ${text}`);
}

const shapes = fs.readdirSync(path.join(here, 'views')).map((file) => ({
  name: file.replace('.sql', ''), view: read('views', file), sql: read('queries', file),
}));
try {
  await query('CREATE DATABASE tpch');
  await query('USE tpch');
  for (const statement of read('schema.sql').split(';').map((text) => text.trim()).filter(Boolean)) await query(statement);
  await load(server.httpPort);
  await query(`SET pipeline_dop = ${Number(options.threads)}`);
  for (const shape of shapes) {
    await query(shape.view);
    await query(`REFRESH MATERIALIZED VIEW v_${shape.name} WITH SYNC MODE`);
  }
  console.log('query  without ms  with ms   times');
  for (const { name, sql } of shapes) {
    await query('SET enable_materialized_view_rewrite = false');
    const without = await best(sql);
    await query('SET enable_materialized_view_rewrite = true');
    const using = await best(sql);
    const plan = (await query(`EXPLAIN ${sql}`)).join('\n');
    console.log(`${name.padEnd(6)} ${without.time.toFixed(2).padStart(10)} ${using.time.toFixed(2).padStart(8)} ${(without.time / using.time).toFixed(1).padStart(7)}`);
    check(plan.includes(`TABLE: v_${name}`) && plan.includes('MaterializedView: true'), `${name} is not answered from v_${name}`);
    check(JSON.stringify(without.rows) === JSON.stringify(using.rows), `answers of ${name} differ:\n${JSON.stringify(without.rows.slice(0, 4))}\n${JSON.stringify(using.rows.slice(0, 4))}`);
    check(without.time >= 20 * using.time, `${name} is less than 20 times faster`);
  }
  for (let i = shapes.length; i < Number(options.candidates); i++) {
    const shape = shapes[i % shapes.length];
    await query(shape.view.replace(`v_${shape.name}`, `v_more_${i}`).replace('GROUP BY', `${/WHERE/.test(shape.view) ? 'AND' : 'WHERE'} l_partkey <> ${i} GROUP BY`));
  }
  console.log(`\nplanning with ${options.candidates} views\nquery  without ms  with ms  more ms`);
  for (const { name, sql } of shapes) {
    await query('SET enable_materialized_view_rewrite = false');
    const without = await planning(sql);
    await query('SET enable_materialized_view_rewrite = true');
    const using = await planning(sql);
    console.log(`${name.padEnd(6)} ${without.toFixed(2).padStart(10)} ${using.toFixed(2).padStart(8)} ${(using - without).toFixed(2).padStart(8)}`);
    check(using - without < 5, `planning of ${name} takes 5 ms longer or more`);
  }
} finally {
  connection.destroy();
  await server.stop();
  fs.rmSync(scratch, { recursive: true, force: true });
}
process.exit(failed > 0 ? 1 : 0);
